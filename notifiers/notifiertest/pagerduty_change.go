package notifiertest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// PagerDutyChange is the body of a change event, without its routing key.
type PagerDutyChange struct {
	Payload struct {
		Summary   string          `json:"summary"`
		Source    string          `json:"source"`
		Timestamp string          `json:"timestamp"`
		Details   json.RawMessage `json:"custom_details"`
	} `json:"payload"`
}

// Changes are the change events that were taken, in order.
func (s *PagerDutyServer) Changes() []PagerDutyChange {
	s.state.Lock()
	defer s.state.Unlock()
	return slices.Clone(s.changes)
}

// Changed wakes after a change event was taken.
func (s *PagerDutyServer) Changed() <-chan struct{} { return s.changed }

// enqueueChange is POST /v2/change/enqueue.
func (s *PagerDutyServer) enqueueChange(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, pagerDutyBodyMax+1))
	if err != nil {
		return // the client is gone
	}
	var request struct {
		PagerDutyChange
		RoutingKey string `json:"routing_key"`
	}
	w.Header().Set("Content-Type", "application/json")
	summary := func() string { return strings.TrimSpace(request.Payload.Summary) }
	s.state.Lock()
	defer s.state.Unlock()
	switch {
	case len(body) > pagerDutyBodyMax:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case json.Unmarshal(body, &request) != nil, request.RoutingKey != s.key, summary() == "", utf8.RuneCountInString(summary()) > pagerDutySummaryMax:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"status":"invalid event","message":"Event object is invalid","errors":["routing_key or payload.summary"]}`)
	default:
		s.changes = append(s.changes, request.PagerDutyChange)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"success","message":"Change event processed"}`)
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}
