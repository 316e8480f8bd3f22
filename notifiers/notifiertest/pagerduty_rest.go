package notifiertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PagerDutyService is the service's ID, and PagerDutyToken the REST API's key.
const (
	PagerDutyService = "PABC123"
	PagerDutyToken   = "fwsecret-pagerduty-rest"
)

// pagerDutyREST is what people see and do at the service.
type pagerDutyREST struct {
	clock       func() time.Time
	maintenance bool
	reads       int
	pageMax     int
}

// SetClock lets the service's time be another than the machine's.
func (s *PagerDutyServer) SetClock(now func() time.Time) {
	s.state.Lock()
	defer s.state.Unlock()
	s.rest.clock = now
}

func (s *PagerDutyServer) now() time.Time {
	if s.rest.clock != nil {
		return s.rest.clock()
	}
	return time.Now()
}

// Maintain begins or ends a maintenance window: events are accepted, and nothing
// comes of them.
func (s *PagerDutyServer) Maintain(on bool) {
	s.state.Lock()
	defer s.state.Unlock()
	s.rest.maintenance = on
}

// PageMax makes the lists of the REST API have more pages.
func (s *PagerDutyServer) PageMax(n int) {
	s.state.Lock()
	defer s.state.Unlock()
	s.rest.pageMax = n
}

// Reads is how often the REST API was asked.
func (s *PagerDutyServer) Reads() int {
	s.state.Lock()
	defer s.state.Unlock()
	return s.rest.reads
}

// Decide lets a person ("" for the service's own timer) set the status of the
// newest alert under key.
func (s *PagerDutyServer) Decide(key, status, by string) {
	s.state.Lock()
	defer s.state.Unlock()
	for _, a := range slices.Backward(s.alerts) {
		if a.Key == key {
			a.change(status, by, s.now())
			return
		}
	}
}

// Put makes an alert that nobody here triggered.
func (s *PagerDutyServer) Put(key string, created time.Time) {
	s.state.Lock()
	defer s.state.Unlock()
	s.alerts = append(s.alerts, &PagerDutyAlert{Key: key, Status: "triggered", Rings: 1, Triggers: 1, Created: created, Changed: created})
}

// Merge lets a person merge the alert under key into an incident of somebody else.
func (s *PagerDutyServer) Merge(key, by string) {
	s.Decide(key, "resolved", by)
	s.state.Lock()
	defer s.state.Unlock()
	for _, a := range s.alerts {
		a.merged = a.merged || a.Key == key
	}
}

func (a *PagerDutyAlert) change(status, by string, at time.Time) {
	a.Status, a.By, a.Changed = status, by, at
	if status == "acknowledged" && by != "" {
		a.AckedAt = at
	}
}

func pagerDutyActor(by string) map[string]string {
	if by == "" {
		return map[string]string{"id": PagerDutyService, "type": "service_reference", "summary": "CDP"}
	}
	return map[string]string{"id": "PUSER01", "type": "user_reference", "summary": by}
}

// listIncidents is GET /incidents.
func (s *PagerDutyServer) listIncidents(w http.ResponseWriter, r *http.Request) {
	s.state.Lock()
	defer s.state.Unlock()
	s.rest.reads++
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != "Token token="+PagerDutyToken {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":{"message":"Unauthorized","code":2006}}`))
		return
	}
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	offset, _ := strconv.Atoi(q.Get("offset"))
	if limit == 0 {
		limit = 25
	}
	if s.rest.pageMax > 0 {
		limit = min(limit, s.rest.pageMax)
		offset = offset / 100 * limit // a page here is smaller than was asked for
	}
	all := []map[string]any{}
	for i, a := range s.alerts {
		key := q.Get("incident_key")
		if !slices.Contains(q["statuses[]"], a.Status) || key != "" && key != a.Key || !slices.Contains(q["service_ids[]"], PagerDutyService) {
			continue
		}
		if q.Get("date_range") != "all" && s.now().Sub(a.Created) > 30*24*time.Hour {
			continue
		}
		all = append(all, a.incident(i))
	}
	from, to := min(offset, len(all)), min(offset+limit, len(all))
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client may be gone
		"incidents": all[from:to], "limit": limit, "offset": offset, "more": to < len(all), "total": nil,
	})
}

func (a *PagerDutyAlert) incident(n int) map[string]any {
	acks := []map[string]any{}
	if a.Status == "acknowledged" {
		at := a.AckedAt
		if a.By == "" {
			at = a.Changed
		}
		acks = append(acks, map[string]any{"at": at.UTC().Format(time.RFC3339), "acknowledger": pagerDutyActor(a.By)})
	}
	incident := map[string]any{
		"id": fmt.Sprintf("PINC%03d", n), "type": "incident", "incident_key": a.Key, "status": a.Status,
		"created_at": a.Created.UTC().Format(time.RFC3339), "last_status_change_at": a.Changed.UTC().Format(time.RFC3339),
		"last_status_change_by": pagerDutyActor(a.By), "acknowledgements": acks,
		"service": map[string]string{"id": PagerDutyService, "type": "service_reference", "summary": "CDP"},
	}
	if a.merged {
		incident["resolve_reason"] = map[string]any{"type": "merge_resolve_reason", "incident": map[string]string{"id": "PINC999", "type": "incident_reference"}}
	}
	return incident
}

// PagerDutyWebhook is a webhook as PagerDuty sends it for what happened to the
// alert under key: its body, and the signature under each of the secrets.
func PagerDutyWebhook(id, kind, key, by string, at time.Time, secrets ...string) (body []byte, signature string) {
	body, _ = json.Marshal(map[string]any{"event": map[string]any{ // strings always marshal
		"id": id, "event_type": kind, "resource_type": "incident", "occurred_at": at.UTC().Format("2006-01-02T15:04:05.000Z"),
		"agent": pagerDutyActor(by), "client": nil,
		"data": map[string]any{
			"id": "PINC001", "type": "incident", "incident_key": key, "title": "external-profiles silent",
			"service": map[string]string{"id": PagerDutyService, "type": "service_reference"},
		},
	}})
	return body, PagerDutySignature(body, secrets...)
}

// PagerDutySignature is the header for a body, under each of the secrets.
func PagerDutySignature(body []byte, secrets ...string) string {
	all := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		all = append(all, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, ", ")
}
