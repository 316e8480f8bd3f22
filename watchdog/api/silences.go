package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Whether a silence or a maintenance holds, or is to come.
const (
	stateActive  = "active"
	statePending = "pending"
)

func stateOf(active bool) string {
	if active {
		return stateActive
	}
	return statePending
}

// silenceAnswer is a silence as the API shows it.
type silenceAnswer struct {
	watchdog.Silence
	State string `json:"state"`
}

// silences is GET /api/v1/silences.
func (a *API) silences(w http.ResponseWriter, _ *http.Request, who *Token) {
	s, err := a.status()
	if err != nil {
		refuseError(w, err)
		return
	}
	out := struct {
		Now      feed.Instant    `json:"now"`
		Silences []silenceAnswer `json:"silences"`
	}{s.Now, []silenceAnswer{}}
	for _, silence := range silencesFor(who, s) {
		out.Silences = append(out.Silences, silenceAnswer{silence, stateOf(silence.Active(s.Now))})
	}
	answer(w, http.StatusOK, out)
}

// silencesFor are those that may concern a viewer's feeds; what ends first comes first.
func silencesFor(who *Token, s *engine.Status) []watchdog.Silence {
	all := concerning(who, s, s.Silences, func(x *watchdog.Silence) string { return x.Match })
	slices.SortStableFunc(all, func(a, b watchdog.Silence) int { return cmp.Compare(a.Until, b.Until) })
	return all
}

// maintenanceAnswer is a maintenance as the API shows it.
type maintenanceAnswer struct {
	watchdog.MaintenanceView
	State string `json:"state"`
}

// maintenances is GET /api/v1/maintenances.
func (a *API) maintenances(w http.ResponseWriter, _ *http.Request, who *Token) {
	s, err := a.status()
	if err != nil {
		refuseError(w, err)
		return
	}
	out := struct {
		Now          feed.Instant        `json:"now"`
		Maintenances []maintenanceAnswer `json:"maintenances"`
	}{s.Now, []maintenanceAnswer{}}
	for _, m := range maintenancesFor(who, s) {
		out.Maintenances = append(out.Maintenances, maintenanceAnswer{m, stateOf(m.Active(s.Now))})
	}
	answer(w, http.StatusOK, out)
}

// maintenancesFor are those that may concern a viewer's feeds; what begins first
// comes first.
func maintenancesFor(who *Token, s *engine.Status) []watchdog.MaintenanceView {
	all := concerning(who, s, s.Maintenances, func(x *watchdog.MaintenanceView) string { return x.Match })
	slices.SortStableFunc(all, func(a, b watchdog.MaintenanceView) int { return cmp.Compare(a.From, b.From) })
	return all
}

// concerning are those of holds that may concern a viewer's feeds, by what they match.
func concerning[T any](who *Token, s *engine.Status, holds []T, match func(*T) string) []T {
	var all []T
	for i := range holds {
		if concerns(who, s, match(&holds[i])) {
			all = append(all, holds[i])
		}
	}
	return all
}

// concerns says that what match picks may be of a feed that the viewer may see.
func concerns(who *Token, s *engine.Status, match string) bool {
	if who.reachesAll() {
		return true
	}
	selector, err := rules.ParseSelector(match)
	return err == nil && slices.ContainsFunc(s.Feeds, func(f watchdog.FeedView) bool {
		return who.reaches(f.Name) && selector.MatchesFeed(f.Name)
	})
}

// mayDecide says that the token may silence what match picks: only its feeds.
func (t *Token) mayDecide(match string) error {
	if t.reachesAll() {
		return nil
	}
	selector, err := rules.ParseSelector(match)
	if err != nil {
		return &refusal{http.StatusBadRequest, err.Error()}
	}
	names := selector.Feeds()
	for _, name := range names {
		if !t.reaches(name) {
			return outOfReach(t, name)
		}
	}
	if len(names) == 0 {
		return &refusal{http.StatusForbidden, fmt.Sprintf(
			"token %q may silence its feeds only: begin the matchers with feed=%q", t.name, t.feeds[0])}
	}
	return nil
}

// silenceAsk is a silence as a person asks for it.
type silenceAsk struct {
	Match   string       `json:"match"`
	By      string       `json:"by"`
	Comment string       `json:"comment"`
	For     string       `json:"for"`
	From    feed.Instant `json:"from"`
	Until   feed.Instant `json:"until"`
}

const silenceExample = `{"match":"cluster=\"fsn1\"","by":"NAME","comment":"WHY","for":"2h"}`

// addSilence is POST /api/v1/silences.
func (a *API) addSilence(w http.ResponseWriter, r *http.Request, who *Token) {
	var ask silenceAsk
	if err := readDecision(w, r, &ask); err != nil {
		refuse(w, http.StatusBadRequest, "the body is "+silenceExample+": "+err.Error())
		return
	}
	silence, err := a.silence(r.Context(), who, ask)
	if err != nil {
		refuseError(w, err)
		return
	}
	w.Header().Set("Location", "/api/v1/silences/"+silence.ID)
	answer(w, http.StatusCreated, silenceAnswer{silence, stateOf(silence.Active(feed.At(a.now())))})
}

// silence checks what is asked for and puts it in force.
func (a *API) silence(ctx context.Context, who *Token, ask silenceAsk) (watchdog.Silence, error) {
	now := feed.At(a.now())
	silence, err := ask.silence(now)
	if err == nil {
		err = silence.Check(now)
	}
	if err != nil {
		return silence, &refusal{http.StatusBadRequest, err.Error()}
	}
	if err := who.mayDecide(silence.Match); err != nil {
		return silence, err
	}
	// The hex tells apart what was asked for in the same millisecond.
	silence.ID = fmt.Sprintf("s-%d-%04x", int64(now), rand.Uint32N(1<<16))
	if silence, err = a.cfg.Keeper.Silence(ctx, silence); err != nil {
		return silence, err
	}
	a.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "silenced", slog.String("silence", silence.ID), slog.String("match", silence.Match),
		slog.String("by", silence.By), slog.String("until", silence.Until.String()), slog.String("token", who.Name()))
	return silence, nil
}

// silence is what is asked for at now, without an id.
func (ask silenceAsk) silence(now feed.Instant) (watchdog.Silence, error) {
	silence := watchdog.Silence{
		Match: strings.TrimSpace(ask.Match), Comment: strings.TrimSpace(ask.Comment), From: ask.From, Until: ask.Until,
	}
	var err error
	if silence.By, err = person("by", ask.By); err != nil {
		return silence, err
	}
	switch {
	case ask.For != "" && !ask.Until.IsZero():
		return silence, errors.New(`give "for" or "until", not both`)
	case ask.For == "" && ask.Until.IsZero():
		return silence, errors.New(`say when the silence ends: "for", such as 2h, or "until", such as 2026-01-31T04:00:00Z`)
	case ask.For != "":
		lasts, err := parseFor(ask.For, watchdog.SilenceMax)
		if err != nil {
			return silence, err
		}
		silence.Until = max(now, silence.From).Add(lasts)
	}
	return silence, nil
}

// endSilence is DELETE /api/v1/silences/{id}?by=NAME.
func (a *API) endSilence(w http.ResponseWriter, r *http.Request, who *Token) {
	by, err := person("by", r.URL.Query().Get("by"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error()+", as in DELETE /api/v1/silences/ID?by=NAME")
		return
	}
	silence, err := a.end(r.Context(), who, r.PathValue("id"), by)
	if err != nil {
		refuseError(w, err)
		return
	}
	answer(w, http.StatusOK, silence)
}

// end ends a silence before its time.
func (a *API) end(ctx context.Context, who *Token, id, by string) (watchdog.Silence, error) {
	s, err := a.status()
	if err != nil {
		return watchdog.Silence{}, err
	}
	n := slices.IndexFunc(s.Silences, func(s watchdog.Silence) bool { return s.ID == id })
	if n < 0 {
		return watchdog.Silence{}, watchdog.ErrNoSilence
	}
	if err := who.mayDecide(s.Silences[n].Match); err != nil {
		return watchdog.Silence{}, err
	}
	silence, err := a.cfg.Keeper.EndSilence(ctx, id, by)
	if err != nil && silence.EndedBy != "" {
		err = &refusal{http.StatusServiceUnavailable, "it holds back no page any more, but a restart would find it again: " + err.Error()}
	}
	if err != nil {
		return silence, err
	}
	a.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "silence ended", slog.String("silence", id), slog.String("by", by), slog.String("token", who.Name()))
	return silence, nil
}
