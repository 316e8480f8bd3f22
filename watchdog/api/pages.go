package api

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// homeBody is the content of the page at /.
type homeBody struct {
	Overall  overall
	Trouble  []string
	Refusal  *refusalView
	Active   []incidentCard
	Holding  []holdingRow // silences and maintenances that hold now
	Resolved []incidentCard
	Feeds    []feedRow
	Sources  []sourceRow
	Rules    string
	Warnings string // about the rules in force
	LoadedAt *moment
}

// refusalView is a rule set that was not taken.
type refusalView struct {
	At       *moment
	Findings string
}

// home is GET /.
func (a *API) home(w http.ResponseWriter, r *http.Request, who *Token) {
	s, err := a.status()
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	words, p := a.cfg.Words, pictureFor(who, s)
	body := homeBody{
		Trouble: words.troubleOf(s, a.standstill(s)), Rules: s.Rules.Version, Warnings: s.Rules.Warnings, LoadedAt: words.moment(s.Rules.LoadedAt, s.Now),
	}
	if s.Rules.Refusal != "" {
		body.Refusal = &refusalView{words.moment(s.Rules.RefusedAt, s.Now), s.Rules.Refusal}
	}
	troubles := len(body.Trouble)
	if body.Refusal != nil {
		troubles++
	}
	body.Overall = words.overallOf(p, troubles)
	for _, inc := range p.active {
		body.Active = append(body.Active, words.incidentCard(inc, s.Now))
	}
	body.Holding = words.holding(who, s)
	for _, inc := range p.resolved {
		body.Resolved = append(body.Resolved, words.incidentCard(inc, s.Now))
	}
	for i := range p.feeds {
		body.Feeds = append(body.Feeds, words.feedRow(&p.feeds[i], s.Now))
	}
	for _, src := range s.Sources {
		body.Sources = append(body.Sources, sourceRow{src.Name, src.Failure, src.Blind, words.moment(src.KnownThrough, s.Now)})
	}
	title := "feedwatch: " + body.Overall.Text
	if n := len(p.active); n > 0 {
		title = "(" + strconv.Itoa(n) + ") " + title
	}
	a.render(w, r, http.StatusOK, pageHome, frame{Title: title, Body: body})
}

// troubleOf is what is wrong with feedwatch itself.
func (w Words) troubleOf(s *engine.Status, standstill time.Duration) []string {
	var out []string
	if standstill > 0 {
		out = append(out, "The watch stands still since "+w.moment(s.Now, s.Now).Text+" ("+w.Age(standstill)+"): what this page shows is as old. Restart feedwatch.")
	}
	if s.Store.Failing != "" {
		since := ""
		if m := w.moment(s.Store.Since, s.Now); m != nil {
			since = " since " + m.Text
		}
		out = append(out, "Nothing can be stored"+since+": "+s.Store.Failing+". Pages are still sent; after a restart some may be sent again.")
	}
	return append(out, s.Trouble...)
}

// feedBody is the content of a feed's page.
type feedBody struct {
	Feed      feedRow
	Active    []incidentCard
	Filters   []filterLink
	Clients   []clientRow
	Next      string // link to the next page; "" at the end
	Paged     bool   // this is not the first page
	Filtered  string // the verdict shown; "" for all
	BadFilter string
}

// filterLink shows the clients with one verdict.
type filterLink struct {
	share
	Href string
	On   bool
}

// clientRow is a client in the table.
type clientRow struct {
	Client, Labels, Rule, Incident string
	Unopened                       string // why it opens nothing
	Came                           string // how many updates, where its rule asks for some
	Verdict                        verdictView
	Arrival, Event, Deadline       *moment
}

// feedPage is GET /feeds/{feed}.
func (a *API) feedPage(w http.ResponseWriter, r *http.Request, who *Token) {
	s, view, err := a.findFeed(r.PathValue("feed"), who)
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	words := a.cfg.Words
	q, err := clientQuery(view.Name, r.URL.Query())
	if err != nil {
		a.renderError(w, r, &refusal{http.StatusBadRequest, err.Error()})
		return
	}
	found, err := a.cfg.Watch.Clients(r.Context(), q)
	if err != nil {
		a.renderError(w, r, err)
		return
	}
	body := feedBody{Feed: words.feedRow(&view, s.Now), Paged: q.Cursor > 0}
	if !q.Any {
		body.Filtered = verdictText(q.Verdict)
	}
	for _, inc := range pictureFor(who, s).active {
		if inc.Feed == view.Name {
			body.Active = append(body.Active, words.incidentCard(inc, s.Now))
		}
	}
	here := "/feeds/" + url.PathEscape(view.Name)
	body.Filters = append(body.Filters, filterLink{share{verdictView: verdictView{"any", "all"}, Count: words.Count(view.Clients)}, here, q.Any})
	for _, sh := range body.Feed.Shares {
		body.Filters = append(body.Filters, filterLink{sh, here + "?verdict=" + sh.Word, !q.Any && sh.Word == q.Verdict.String()})
	}
	for i := range found.Clients {
		body.Clients = append(body.Clients, words.clientRow(&found.Clients[i], s.Now))
	}
	if found.Next > 0 {
		values := r.URL.Query()
		values.Set("cursor", strconv.Itoa(found.Next))
		body.Next = here + "?" + values.Encode()
	}
	a.render(w, r, http.StatusOK, pageFeed, frame{Title: view.Name + " is " + verdictText(view.Verdict) + ": feedwatch", Body: body})
}

func (w Words) clientRow(c *watchdog.ClientView, now feed.Instant) clientRow {
	return clientRow{
		Client: c.Client, Labels: c.Labels.String(), Rule: c.Rule, Incident: c.Incident, Unopened: unopened(c), Came: w.came(c.Updates, now.Time()), Verdict: newVerdictView(c.Verdict),
		Arrival: w.moment(c.Arrival, now), Event: w.moment(c.Event, now), Deadline: w.moment(c.Deadline, now),
	}
}
