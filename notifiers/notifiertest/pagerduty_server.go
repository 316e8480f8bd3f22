package notifiertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// PagerDutyServer is the Events API v2 of one service. It answers 202 as soon as
// an event is valid and works on it afterwards, as PagerDuty does (at once,
// unless Hold), and can be made to fail with Fail.
type PagerDutyServer struct {
	faults
	server *httptest.Server
	key    string
	mux    http.ServeMux

	state  sync.Mutex
	alerts []*PagerDutyAlert
	calls  []PagerDutyCall
	held   []PagerDutyEvent
	hold   bool
	rest   pagerDutyREST

	changes []PagerDutyChange
	changed chan struct{}
}

// PagerDutyEvent is the body of a request, without its routing key.
type PagerDutyEvent struct {
	Action    string `json:"event_action"`
	DedupKey  string `json:"dedup_key"`
	Client    string `json:"client"`
	ClientURL string `json:"client_url"`
	Links     []struct {
		Href string `json:"href"`
		Text string `json:"text"`
	} `json:"links"`
	Payload struct {
		Summary   string          `json:"summary"`
		Source    string          `json:"source"`
		Severity  string          `json:"severity"`
		Timestamp string          `json:"timestamp"`
		Component string          `json:"component"`
		Group     string          `json:"group"`
		Class     string          `json:"class"`
		Details   json.RawMessage `json:"custom_details"`
	} `json:"payload"`
}

// PagerDutyAlert is an alert: open until it is resolved, then a new trigger
// under the same key makes another.
type PagerDutyAlert struct {
	Key      string
	Status   string // triggered, acknowledged, resolved
	Rings    int    // how often somebody was woken: once, when it was made
	Triggers int    // how many triggers it took
	Event    PagerDutyEvent
	Created  time.Time
	Changed  time.Time // its status, last
	By       string    // the person who did that; "" for an integration
	AckedAt  time.Time // by a person
	merged   bool
}

// PagerDutyCall is a request as it arrived.
type PagerDutyCall struct {
	At     time.Time
	Event  PagerDutyEvent
	Status int
}

// NewPagerDutyServer starts a service on a free port.
func NewPagerDutyServer(routingKey string) *PagerDutyServer {
	s := &PagerDutyServer{key: routingKey, changed: make(chan struct{}, 1)}
	s.mux.HandleFunc("POST /v2/enqueue", s.enqueue)
	s.mux.HandleFunc("POST /v2/change/enqueue", s.enqueueChange)
	s.mux.HandleFunc("GET /incidents", s.listIncidents)
	s.server = httptest.NewServer(s)
	return s
}

// ServeHTTP answers as the service, or as the faults say.
func (s *PagerDutyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.front(&s.mux).ServeHTTP(w, r)
}

// URL is the API's URL, for pagerduty.Config.APIURL.
func (s *PagerDutyServer) URL() string { return s.server.URL }

// Close stops the server.
func (s *PagerDutyServer) Close() { s.server.Close() }

// Hold lets accepted events wait; without hold they are worked on, in order.
func (s *PagerDutyServer) Hold(hold bool) {
	s.state.Lock()
	defer s.state.Unlock()
	s.hold = hold
	if !hold {
		for _, e := range s.held {
			s.apply(e)
		}
		s.held = nil
	}
}

// Alerts are all alerts, in the order in which they were made.
func (s *PagerDutyServer) Alerts() []PagerDutyAlert {
	s.state.Lock()
	defer s.state.Unlock()
	all := make([]PagerDutyAlert, 0, len(s.alerts))
	for _, a := range s.alerts {
		all = append(all, *a)
	}
	return all
}

// Rings is how often somebody was woken under a dedup key.
func (s *PagerDutyServer) Rings(key string) int {
	rings := 0
	for _, a := range s.Alerts() {
		if a.Key == key {
			rings += a.Rings
		}
	}
	return rings
}

// Calls are the requests that reached the service, in order.
func (s *PagerDutyServer) Calls() []PagerDutyCall {
	s.state.Lock()
	defer s.state.Unlock()
	return slices.Clone(s.calls)
}

// Limits of PagerDuty on an event.
const (
	pagerDutyBodyMax    = 512 << 10
	pagerDutySummaryMax = 1024
	pagerDutyKeyMax     = 255
)

func (s *PagerDutyServer) enqueue(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, pagerDutyBodyMax+1))
	if err != nil {
		return // the client is gone
	}
	s.state.Lock()
	defer s.state.Unlock()
	var request struct {
		PagerDutyEvent
		RoutingKey string `json:"routing_key"`
	}
	status, problems := http.StatusAccepted, []string(nil)
	switch {
	case len(body) > pagerDutyBodyMax:
		status = http.StatusRequestEntityTooLarge
	case json.Unmarshal(body, &request) != nil:
		status, problems = http.StatusBadRequest, []string{"JSON cannot be parsed"}
	default:
		if problems = s.check(request.RoutingKey, request.PagerDutyEvent); len(problems) > 0 {
			status = http.StatusBadRequest
		}
	}
	event := request.PagerDutyEvent
	answer := map[string]any{"status": "success", "message": "Event processed", "dedup_key": event.DedupKey}
	if status != http.StatusAccepted {
		answer = map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": problems}
	} else if event.DedupKey == "" {
		event.DedupKey = fmt.Sprintf("made-%d", len(s.calls))
		answer["dedup_key"] = event.DedupKey
	}
	s.calls = append(s.calls, PagerDutyCall{At: time.Now(), Event: event, Status: status})
	if status == http.StatusAccepted {
		if s.hold {
			s.held = append(s.held, event)
		} else {
			s.apply(event)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}

func (s *PagerDutyServer) check(routingKey string, e PagerDutyEvent) []string {
	var problems []string
	if routingKey != s.key {
		problems = append(problems, "Invalid routing key")
	}
	if len(e.DedupKey) > pagerDutyKeyMax {
		problems = append(problems, "'dedup_key' is too long")
	}
	switch e.Action {
	case "acknowledge", "resolve":
		if e.DedupKey == "" {
			problems = append(problems, "'dedup_key' is missing or blank")
		}
		return problems
	case "trigger":
	default:
		return append(problems, "'event_action' is not one of trigger, acknowledge, resolve")
	}
	if strings.TrimSpace(e.Payload.Summary) == "" || utf8.RuneCountInString(e.Payload.Summary) > pagerDutySummaryMax {
		problems = append(problems, "'payload.summary' is missing, blank or too long")
	}
	if strings.TrimSpace(e.Payload.Source) == "" {
		problems = append(problems, "'payload.source' is missing or blank")
	}
	if !slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity) {
		problems = append(problems, "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	}
	return problems
}

// apply works on an accepted event. A trigger of an alert that is open or
// acknowledged wakes nobody; acknowledging or resolving what is not there does
// nothing. While the service is in a maintenance window nothing is done at all.
func (s *PagerDutyServer) apply(e PagerDutyEvent) {
	if s.rest.maintenance {
		return
	}
	var open *PagerDutyAlert
	for _, a := range s.alerts {
		if a.Key == e.DedupKey && a.Status != "resolved" {
			open = a
		}
	}
	switch {
	case e.Action == "trigger" && open == nil:
		s.alerts = append(s.alerts, &PagerDutyAlert{Key: e.DedupKey, Status: "triggered", Rings: 1, Triggers: 1, Event: e, Created: s.now(), Changed: s.now()})
	case e.Action == "trigger":
		open.Triggers++
	case open == nil:
	case e.Action == "acknowledge":
		open.change("acknowledged", "", s.now())
	case e.Action == "resolve":
		open.change("resolved", "", s.now())
	}
}
