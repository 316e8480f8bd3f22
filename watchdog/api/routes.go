package api

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// everyone is the role of a route that asks for no token, or asks by itself.
const everyone Role = ""

// handle answers a request that was let through; who is nil for everyone and
// for a reader where reading is open.
type handle func(w http.ResponseWriter, r *http.Request, who *Token)

// route is one thing the API does. GET answers HEAD too.
type route struct {
	method, path string
	role         Role
	do           handle
}

func (a *API) routes() []route {
	all := []route{
		{"POST", "/api/v1/heartbeats", RolePush, a.heartbeats},
		{"GET", "/ping/{token}/{feed}/{client...}", everyone, a.ping},
		{"POST", "/ping/{token}/{feed}/{client...}", everyone, a.ping},
		{"GET", "/api/v1/feeds", RoleRead, a.feeds},
		{"GET", "/api/v1/feeds/{feed}", RoleRead, a.feed},
		{"GET", "/api/v1/feeds/{feed}/clients", RoleRead, a.clients},
		{"GET", "/api/v1/feeds/{feed}/ledger", RoleRead, a.feedLedger},
		{"GET", "/api/v1/incidents", RoleRead, a.incidents},
		{"GET", "/api/v1/incidents/{id}", RoleRead, a.incident},
		{"GET", "/api/v1/incidents/{id}/ledger", RoleRead, a.incidentLedger},
		{"GET", "/api/v1/silences", RoleRead, a.silences},
		{"POST", "/api/v1/silences", RoleAdmin, a.addSilence},
		{"DELETE", "/api/v1/silences/{id}", RoleAdmin, a.endSilence},
		{"GET", "/api/v1/maintenances", RoleRead, a.maintenances},
		{"GET", "/api/v1/notifiers", RoleRead, a.notifiers},
		{"POST", "/api/v1/notifiers/{kind}/{name}/retry", RoleAdmin, a.retryNotifier},
		{"POST", "/api/v1/drills", RoleAdmin, a.drill},
		{"GET", "/api/v1/openapi.yaml", everyone, a.openapi},
		{"GET", "/metrics", RoleRead, a.metricsAll},
		{"GET", "/-/healthy", everyone, a.healthy},
		{"GET", "/-/ready", everyone, a.ready},
		{"POST", "/-/reload", RoleAdmin, a.reload},
		{"GET", "/{$}", RoleRead, a.home},
		{"GET", "/feeds/{feed}", RoleRead, a.feedPage},
		{"GET", "/incidents/{id}", RoleRead, a.incidentPage},
		{"POST", "/incidents/{id}", everyone, a.actForm},
		{"GET", "/silences", RoleRead, a.silencesPage},
		{"POST", "/silences", everyone, a.addSilenceForm},
		{"POST", "/silences/{id}", everyone, a.endSilenceForm},
		{"GET", "/assets/{name}", everyone, a.asset},
	}
	for i := range acts {
		all = append(all, route{"POST", "/api/v1/incidents/{id}/" + acts[i].name, RoleAdmin, a.act(&acts[i])})
	}
	for _, receiver := range a.cfg.Receivers {
		all = append(all, route{"POST", receiver.Path, everyone, func(w http.ResponseWriter, r *http.Request, _ *Token) {
			receiver.Handler.ServeHTTP(w, r)
		}})
	}
	if a.cfg.ClientSeriesMax > 0 {
		all = append(all, route{"GET", "/metrics/clients", RoleRead, a.metricsClients})
	}
	return all
}

// router tells methods apart by itself: the mux would hand a known path with
// another method to the catch-all.
func (a *API) router() http.Handler {
	byPath := map[string][]route{}
	for _, r := range a.routes() {
		byPath[r.path] = append(byPath[r.path], r)
	}
	mux, whole := http.NewServeMux(), map[string]http.Handler{}
	for path, routes := range byPath {
		handler := a.observe(path, a.dispatch(routes))
		mux.Handle(path, handler)
		if !strings.Contains(path, "{") {
			whole[path] = handler
		}
	}
	// Without it the mux would redirect to the path with a slash, token and all.
	mux.Handle("/ping/{token}/{feed}", a.observe("other", http.HandlerFunc(notFound)))
	mux.Handle("/", a.observe("other", http.HandlerFunc(notFound)))
	return plainPaths(whole, mux, a.observe("other", http.HandlerFunc(notPlain)))
}

// plainPaths hands to other what the mux would answer with a redirect: curl takes
// one for a success, and a heartbeat would be lost without a word. Paths that are
// whole, as that of heartbeats is, need neither mux nor cleaning.
func plainPaths(whole map[string]http.Handler, mux, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route := whole[r.URL.Path]; route != nil && r.URL.RawPath == "" {
			route.ServeHTTP(w, r)
			return
		}
		if p := r.URL.EscapedPath(); strings.HasPrefix(p, "/") && strings.TrimSuffix(p, "/") != strings.TrimSuffix(path.Clean(p), "/") {
			other.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func notPlain(w http.ResponseWriter, r *http.Request) {
	const text = "the path holds an empty part, or . or ..: is a variable in it empty, or does the address before it end with a slash?"
	if strings.Contains(r.URL.Path, "/ping/") {
		answerText(w, http.StatusNotFound, text+" A ping is /ping/TOKEN/FEED/CLIENT, with %2F for a slash in a name")
		return
	}
	refuse(w, http.StatusNotFound, text)
}

func (a *API) dispatch(routes []route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		for _, route := range routes {
			if route.method == method {
				a.run(route, w, r)
				return
			}
		}
		allowed := make([]string, 0, len(routes))
		for _, route := range routes {
			allowed = append(allowed, route.method)
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, http.StatusMethodNotAllowed, "use "+strings.Join(allowed, " or ")+" here, not "+r.Method)
	})
}

func (a *API) run(route route, w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = noSniff
	if route.role == everyone {
		route.do(w, r, nil)
		return
	}
	who, err := a.permit(r, route.role)
	if err != nil {
		code, text := explain(err)
		if html(route.path) {
			challenge(w, code, "Basic")
			answerText(w, code, text+"\nIn a browser, give the token as the password; the name does not matter.")
			return
		}
		refuse(w, code, text)
		return
	}
	route.do(w, r, who)
}

// html says that people look at the path with a browser.
func html(path string) bool {
	return path == "/{$}" || path == "/silences" || strings.HasPrefix(path, "/feeds/") || strings.HasPrefix(path, "/incidents/")
}

func notFound(w http.ResponseWriter, r *http.Request) {
	const hint = "; the API is described at /api/v1/openapi.yaml"
	if strings.HasPrefix(r.URL.Path, "/ping/") {
		answerText(w, http.StatusNotFound, "not found: a ping is /ping/TOKEN/FEED/CLIENT")
		return
	}
	refuse(w, http.StatusNotFound, "nothing is here"+hint)
}

// observe counts requests by route: a path itself may hold a token.
func (a *API) observe(path string, next http.Handler) http.Handler {
	counted := routeMetrics{all: a.metrics, route: path}
	epoch := time.Now() // as in bounded
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Since(epoch)
		seen := &codeSeen{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		counted.request(seen.code, time.Since(epoch)-begun)
	})
}

// codeSeen remembers the status code of an answer.
type codeSeen struct {
	http.ResponseWriter
	code int
}

func (w *codeSeen) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *codeSeen) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// methodsOf lists what the router answers, for the test that holds the OpenAPI
// document against it.
func methodsOf(routes []route) []string {
	var all []string
	for _, r := range routes {
		all = append(all, r.method+" "+r.path)
	}
	slices.Sort(all)
	return all
}
