package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// clientsLimitDefault is how many clients a page has that does not say.
const clientsLimitDefault = 100

// feedAnswer is a feed as the API shows it.
type feedAnswer struct {
	watchdog.FeedView
	// Until loss begins; below 0 once it has. Absent while nothing is being lost.
	TimeToLoss *float64 `json:"time_to_loss_seconds,omitempty"`
}

func newFeedAnswer(v watchdog.FeedView, now feed.Instant) feedAnswer {
	out := feedAnswer{FeedView: v}
	if !v.LossBegins.IsZero() {
		left := v.LossBegins.Sub(now).Seconds()
		out.TimeToLoss = &left
	}
	return out
}

// feeds is GET /api/v1/feeds.
func (a *API) feeds(w http.ResponseWriter, _ *http.Request, who *Token) {
	s, err := a.status()
	if err != nil {
		refuseError(w, err)
		return
	}
	out := struct {
		Now   feed.Instant `json:"now"`
		Feeds []feedAnswer `json:"feeds"`
	}{s.Now, []feedAnswer{}}
	for _, v := range s.Feeds {
		if who.reaches(v.Name) {
			out.Feeds = append(out.Feeds, newFeedAnswer(v, s.Now))
		}
	}
	answer(w, http.StatusOK, out)
}

// feed is GET /api/v1/feeds/{feed}.
func (a *API) feed(w http.ResponseWriter, r *http.Request, who *Token) {
	s, v, err := a.findFeed(r.PathValue("feed"), who)
	if err != nil {
		refuseError(w, err)
		return
	}
	answer(w, http.StatusOK, newFeedAnswer(v, s.Now))
}

func (a *API) findFeed(name string, who *Token) (*engine.Status, watchdog.FeedView, error) {
	s, err := a.status()
	if err != nil {
		return nil, watchdog.FeedView{}, err
	}
	if !who.reaches(name) {
		return nil, watchdog.FeedView{}, outOfReach(who, name)
	}
	for _, v := range s.Feeds {
		if v.Name == name {
			return s, v, nil
		}
	}
	return nil, watchdog.FeedView{}, engine.ErrNoFeed
}

// clients is GET /api/v1/feeds/{feed}/clients.
func (a *API) clients(w http.ResponseWriter, r *http.Request, who *Token) {
	name := r.PathValue("feed")
	if !who.reaches(name) {
		refuseError(w, outOfReach(who, name))
		return
	}
	q, err := clientQuery(name, r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	found, err := a.cfg.Watch.Clients(r.Context(), q)
	if err != nil {
		refuseError(w, err)
		return
	}
	if found.Clients == nil {
		found.Clients = []watchdog.ClientView{}
	}
	answer(w, http.StatusOK, found)
}

func clientQuery(name string, values url.Values) (watchdog.ClientQuery, error) {
	q := watchdog.ClientQuery{Feed: name, Any: true, Limit: clientsLimitDefault}
	if word := values.Get("verdict"); word != "" {
		verdict, ok := watchdog.ParseVerdict(word)
		if !ok {
			return q, fmt.Errorf("unknown verdict %.40q: %s are known", word, verdictWords())
		}
		q.Verdict, q.Any = verdict, false
	}
	q.Client = values.Get("client")
	if word := values.Get("limit"); word != "" {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > watchdog.ClientPageMax {
			return q, fmt.Errorf("limit is a number from 1 to %d, not %.40q", watchdog.ClientPageMax, word)
		}
		q.Limit = n
	}
	if word := values.Get("cursor"); word != "" {
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 {
			return q, fmt.Errorf("cursor is the next_cursor of the page before, not %.40q", word)
		}
		q.Cursor = n
	}
	return q, nil
}

func verdictWords() string {
	var words []string
	for _, v := range watchdog.Verdicts() {
		words = append(words, v.String())
	}
	return strings.Join(words, ", ")
}
