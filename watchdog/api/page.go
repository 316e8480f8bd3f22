package api

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"path"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// page has the templates of the embedded page. It is rendered here and works
// without scripts; page.js only renders it again every two seconds.
type page struct {
	words     Words
	templates map[string]*template.Template
}

// Names of the pages, which are those of their templates.
const (
	pageHome     = "home"
	pageFeed     = "feed"
	pageIncident = "incident"
	pageSilences = "silences"
	pageProblem  = "problem"
)

func newPage(words Words) *page {
	p := &page{words: words, templates: map[string]*template.Template{}}
	base := template.Must(template.ParseFS(pageFiles, "page/layout.html", "page/parts.html"))
	for _, name := range []string{pageHome, pageFeed, pageIncident, pageSilences, pageProblem} {
		p.templates[name] = template.Must(template.Must(base.Clone()).ParseFS(pageFiles, "page/"+name+".html"))
	}
	return p
}

// frame is what every page has around its content.
type frame struct {
	Title   string
	Install string
	Now     string
	Rules   string
	Version string
	Outside string // why nobody outside watches
	Body    any
}

// pagePolicy lets the page load nothing from anywhere else, and nobody frame it.
const pagePolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

func (a *API) render(w http.ResponseWriter, r *http.Request, code int, name string, f frame) {
	f.Version, f.Outside = a.cfg.Version, a.cfg.Outside()
	f.Now = a.now().UTC().Format("2 Jan 2006 15:04:05") + " UTC"
	if s := a.cfg.Watch.Status(); s != nil {
		f.Install, f.Rules = s.Install, s.Rules.Version
	}
	var text bytes.Buffer
	if err := a.page.templates[name].ExecuteTemplate(&text, "layout", f); err != nil {
		a.cfg.Log.LogAttrs(r.Context(), slog.LevelError, "page could not be rendered", slog.String("page", name), slog.Any("error", err))
		answerText(w, http.StatusInternalServerError, "this page could not be rendered; /api/v1/incidents has the same facts")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(text.Bytes())
}

// renderError is a page that says why there is none.
func (a *API) renderError(w http.ResponseWriter, r *http.Request, err error) {
	code, text := explain(err)
	a.render(w, r, code, pageProblem, frame{Title: "feedwatch", Body: text})
}

// assetTypes are the files that a browser may load, and nothing else of page/.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// asset is GET /assets/{name}.
func (a *API) asset(w http.ResponseWriter, r *http.Request, _ *Token) {
	name := r.PathValue("name")
	kind, ok := assetTypes[path.Ext(name)]
	text, err := pageFiles.ReadFile("page/" + name)
	if !ok || err != nil || strings.Contains(name, "/") {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache") // another version may be rolled out at any time
	_, _ = w.Write(text)
}
