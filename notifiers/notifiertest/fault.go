package notifiertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
)

// Fault answers one request in place of a server. accept lets the server take
// the request, and gives the answer that the client would have had.
type Fault func(w http.ResponseWriter, r *http.Request, accept func() *httptest.ResponseRecorder)

// Answer refuses with a status, headers as pairs, and a body; the server sees
// nothing.
func Answer(status int, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may be gone
	}
}

// Echo refuses with a status and everything that the client sent, headers too:
// the worst a proxy can do to a secret.
func Echo(status int, contentType string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ func() *httptest.ResponseRecorder) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, r.URL.String()+" "+r.Header.Get("Authorization")+" "+string(body))
	}
}

// Cut takes the connection away without an answer and without accepting.
func Cut() Fault {
	return func(http.ResponseWriter, *http.Request, func() *httptest.ResponseRecorder) {
		panic(http.ErrAbortHandler)
	}
}

// AcceptThenCut accepts, and takes the connection away without an answer.
func AcceptThenCut() Fault {
	return func(_ http.ResponseWriter, _ *http.Request, accept func() *httptest.ResponseRecorder) {
		accept()
		panic(http.ErrAbortHandler)
	}
}

// AcceptThenCutMidAnswer accepts, and takes the connection away in the middle
// of the answer.
func AcceptThenCutMidAnswer() Fault {
	return func(w http.ResponseWriter, _ *http.Request, accept func() *httptest.ResponseRecorder) {
		answer := accept()
		copyHeader(w.Header(), answer.Header())
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// AcceptThenHang accepts, says so on accepted, and answers nothing for as long
// as the client waits.
func AcceptThenHang(accepted chan<- struct{}) Fault {
	return func(_ http.ResponseWriter, r *http.Request, accept func() *httptest.ResponseRecorder) {
		accept()
		_, _ = io.Copy(io.Discard, r.Body) // a client that goes is noticed only once its request was read
		close(accepted)
		<-r.Context().Done()
	}
}

// AcceptThenAnswer accepts, and answers something else.
func AcceptThenAnswer(status int, body string, headers ...string) Fault {
	other := Answer(status, body, headers...)
	return func(w http.ResponseWriter, r *http.Request, accept func() *httptest.ResponseRecorder) {
		accept()
		other(w, r, accept)
	}
}

func copyHeader(to, from http.Header) {
	for k, v := range from {
		to[k] = v
	}
}

// faults is a queue of faults in front of a server.
type faults struct {
	mu    sync.Mutex
	queue []Fault
}

// Fail lets the next requests meet these faults, one each.
func (f *faults) Fail(next ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, next...)
}

func (f *faults) take() Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return nil
	}
	next := f.queue[0]
	f.queue = f.queue[1:]
	return next
}

// front is server behind the faults.
func (f *faults) front(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := f.take()
		if fault == nil {
			server.ServeHTTP(w, r)
			return
		}
		fault(w, r, func() *httptest.ResponseRecorder {
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, r)
			return answer
		})
	})
}
