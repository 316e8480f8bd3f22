package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// RESTURL is PagerDuty's REST API in the US; the European one is
// https://api.eu.pagerduty.com.
const RESTURL = "https://api.pagerduty.com"

// ReaderConfig is what a Reader is made from.
type ReaderConfig struct {
	Token   notifiers.Secret // a REST API key; a read-only one is enough
	Service string           // the ID of the service that the routing key belongs to
	APIURL  string           // "" for PagerDuty's own in the US
}

var serviceID = regexp.MustCompile(`^[A-Z0-9]{5,20}$`)

func (c *ReaderConfig) check() error {
	var errs []error
	if c.Token.IsZero() {
		errs = append(errs, errors.New("the API token is empty"))
	}
	if !serviceID.MatchString(c.Service) {
		errs = append(errs, fmt.Errorf("service %q is no ID of a PagerDuty service; it is the last part of the service's URL, such as PABC123", c.Service))
	}
	if c.APIURL == "" {
		c.APIURL = RESTURL
	}
	c.APIURL = strings.TrimRight(c.APIURL, "/")
	return errors.Join(append(errs, notifiers.CheckURL("the API URL", c.APIURL))...)
}

// Reader looks into what PagerDuty holds of a service, over its REST API.
type Reader struct {
	config ReaderConfig
	sender *notifiers.Sender
	redact notifiers.Redactor
}

// NewReader checks config and makes a Reader; it makes no request.
func NewReader(config ReaderConfig) (*Reader, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	return &Reader{config, notifiers.NewSender(), notifiers.NewRedactor(config.Token)}, nil
}

// seen is an incident at PagerDuty.
type seen struct {
	key     string
	status  string // triggered, acknowledged, resolved
	created time.Time
	acked   decision // by the last person who did, while it is acknowledged; zero: by nobody
	changed decision // of its status
	merged  bool     // into another: people look at it there
}

const (
	seenPage = 100 // what PagerDuty gives at most
	// seenPagesMax bounds a look at all that is open.
	seenPagesMax = 20
)

// open are the open incidents of the service, and whether that is all of them.
func (r *Reader) open(ctx context.Context) (all []seen, whole bool, err error) {
	for page := range uint(seenPagesMax) {
		part, more, err := r.list(ctx, pd.ListIncidentsOptions{
			Statuses: []string{"triggered", "acknowledged"}, Limit: seenPage, Offset: page * seenPage, SortBy: "created_at:asc",
		})
		if err != nil {
			return nil, false, err
		}
		all = append(all, part...)
		if !more {
			return all, true, nil
		}
	}
	return all, false, nil
}

// newest is the incident made last under key, open or not; nil: there is none.
func (r *Reader) newest(ctx context.Context, key string) (*seen, error) {
	all, _, err := r.list(ctx, pd.ListIncidentsOptions{
		Statuses: []string{"triggered", "acknowledged", "resolved"}, IncidentKey: key, Limit: seenPage, SortBy: "created_at:desc",
	})
	if err != nil {
		return nil, err
	}
	var last *seen
	for i := range all {
		if s := &all[i]; s.key == key && (last == nil || s.created.After(last.created)) {
			last = s
		}
	}
	return last, nil
}

// list makes one request. What is in no answer must be there: `200 {}` does not
// say that nothing is open.
func (r *Reader) list(ctx context.Context, o pd.ListIncidentsOptions) (all []seen, more bool, err error) {
	const what = "pagerduty incidents"
	o.DateRange = "all" // or PagerDuty leaves out what is older than a month
	o.ServiceIDs = []string{r.config.Service}
	x := r.sender.Exchange()
	client := pd.NewClient(r.config.Token.Reveal(), pd.WithAPIEndpoint(r.config.APIURL))
	client.HTTPClient = x
	answer, err := client.ListIncidentsWithContext(ctx, o)
	if failed := x.Failure(what, r.redact); failed != nil {
		if failed.Class == delivery.RateLimited && failed.RetryAfter == 0 {
			failed.RetryAfter = resetIn(x.Header.Get("Ratelimit-Reset"))
		}
		return nil, false, failed
	}
	var there struct {
		Incidents *json.RawMessage `json:"incidents"`
	}
	if err != nil || answer == nil || json.Unmarshal(x.Body, &there) != nil || there.Incidents == nil {
		return nil, false, x.Reject(what, delivery.Ambiguous, "an answer without incidents; does a proxy answer for PagerDuty?", r.redact)
	}
	for i := range answer.Incidents {
		if inc := &answer.Incidents[i]; inc.Service.ID == r.config.Service {
			all = append(all, seenOf(inc))
		}
	}
	return all, answer.More, nil
}

func resetIn(header string) time.Duration {
	seconds, err := strconv.Atoi(strings.TrimSpace(header))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(restWaitMax/time.Second))) * time.Second
}

func seenOf(inc *pd.Incident) seen {
	s := seen{key: inc.IncidentKey, status: inc.Status, created: parseTime(inc.CreatedAt), merged: inc.ResolveReason.Type == mergedReason}
	for _, a := range inc.Acknowledgements {
		who, at := actor{a.Acknowledger.Type, a.Acknowledger.Summary}, parseTime(a.At)
		if who.person() && !at.Before(s.acked.at) {
			s.acked = decision{key: s.key, who: who, at: at}
		}
	}
	by := inc.LastStatusChangeBy
	s.changed = decision{key: s.key, who: actor{by.Type, by.Summary}, at: parseTime(inc.LastStatusChangeAt), resolved: inc.Status == "resolved"}
	return s
}

// parseTime of what is no time is zero.
func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
