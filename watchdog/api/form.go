package api

import (
	"net/http"
)

// form serves a form of the page, for a person with a browser and an admin token:
// do what it asks for and go on to next, or else show the page again with what is
// wrong.
func (a *API) form(w http.ResponseWriter, r *http.Request, next string, do func(who *Token) error, again func(reader *Token, code int, problem string)) {
	r.Body = http.MaxBytesReader(w, r.Body, decisionBytesMax)
	if err := r.ParseForm(); err != nil {
		a.renderError(w, r, &refusal{http.StatusBadRequest, "the form could not be read: send it again"})
		return
	}
	who, err := a.permitForm(r)
	if err == nil {
		err = do(who)
	}
	if err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	code, text := explain(err)
	// What is shown around the form is for readers.
	reader, readErr := a.permit(r, RoleRead)
	if readErr != nil {
		a.renderError(w, r, &refusal{code, text})
		return
	}
	again(reader, code, text)
}
