package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
)

// fakeLedger holds three clients, with names that try a spreadsheet.
type fakeLedger struct{}

var ledgerClients = []string{"=1+1", "acme", "globex"}

func (fakeLedger) Ledger(_ context.Context, incident, after string, limit int) (rows []watchdog.LedgerRow, err error) {
	for i, client := range ledgerClients {
		if client > after && len(rows) < limit {
			rows = append(rows, watchdog.LedgerRow{Incident: incident, Feed: "external-profiles", Client: client, From: now, To: now.Add(minute), Updates: float64(i) - 1})
		}
	}
	return rows, nil
}

func (fakeLedger) LedgerTotals(_ context.Context, _, after string, limit int) (totals []watchdog.LedgerTotal, err error) {
	for _, client := range ledgerClients {
		if client > after && len(totals) < limit {
			totals = append(totals, watchdog.LedgerTotal{Client: client, Incidents: 2, Lost: minute, Updates: 7})
		}
	}
	return totals, nil
}

func TestLedgerInPages(t *testing.T) {
	r := newRig(t, open)
	id := r.engine.Status().Incidents[0].ID
	path := "/api/v1/incidents/" + id + "/ledger"
	first := r.do("GET", path+"?limit=2", "", "")
	want(t, first, http.StatusOK, `"client": "=1+1"`, `"client": "acme"`, `"next_after": "acme"`)
	last := r.do("GET", path+"?limit=2&after=acme", "", "")
	want(t, last, http.StatusOK, `"client": "globex"`, `"updates": 1`)
	if strings.Contains(last.Body.String(), "next_after") {
		t.Error("the last page names a next one")
	}
	want(t, r.do("GET", path+"?limit=0", "", ""), http.StatusBadRequest, "limit is a number from 1 to 10000")
	want(t, r.do("GET", path+"?format=xml", "", ""), http.StatusBadRequest, "format is json or csv")
	want(t, r.do("GET", "/api/v1/incidents/none/ledger", "", ""), http.StatusNotFound)
}

func TestLedgerAsCSV(t *testing.T) {
	r := newRig(t, open)
	id := r.engine.Status().Incidents[0].ID
	got := r.do("GET", "/api/v1/incidents/"+id+"/ledger?format=csv", "", "")
	want(t, got, http.StatusOK)
	lines := strings.Split(strings.TrimSpace(got.Body.String()), "\n")
	wantLines := []string{
		"feed,client,lost_from,lost_to,by_arrival,at_risk,updates",
		"external-profiles,'=1+1,2025-11-24T00:05:00Z,2025-11-24T00:06:00Z,false,false,",
		"external-profiles,acme,2025-11-24T00:05:00Z,2025-11-24T00:06:00Z,false,false,0",
		"external-profiles,globex,2025-11-24T00:05:00Z,2025-11-24T00:06:00Z,false,false,1",
	}
	if !slices.Equal(lines, wantLines) {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
	if file := got.Header().Get("Content-Disposition"); file != fmt.Sprintf("attachment; filename=%q", "ledger-"+id+".csv") {
		t.Errorf("saved as %s", file)
	}
	totals := r.do("GET", "/api/v1/feeds/external-profiles/ledger?format=csv", "", "")
	want(t, totals, http.StatusOK, "client,incidents,lost_seconds,updates,incidents_without_estimate,at_risk", "acme,2,60,7,0,false")
}

func TestLedgerOnlyForWhoMayReadTheFeed(t *testing.T) {
	r := newRig(t)
	id := r.engine.Status().Incidents[0].ID
	want(t, r.do("GET", "/api/v1/incidents/"+id+"/ledger", "", ""), http.StatusUnauthorized)
	want(t, r.do("GET", "/api/v1/incidents/"+id+"/ledger", readSecret, ""), http.StatusForbidden)
	want(t, r.do("GET", "/api/v1/feeds/external-profiles/ledger", readSecret, ""), http.StatusForbidden)
}
