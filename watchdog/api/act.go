package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// decision is what a person asks for about an incident.
type decision struct {
	By     string `json:"by"`
	For    string `json:"for"`
	To     string `json:"to"`
	Reason string `json:"reason"`
}

// decisionBytesMax bounds a request that says what a person decides.
const decisionBytesMax = 16 << 10

// act is one thing that a person can decide about an incident.
type act struct {
	name    string // in paths and forms
	example string // the body, for whoever sent another
	// What it takes beside "by". lasts is how long it lasts where "for" does not
	// say; 0 where it takes none.
	lasts    time.Duration
	to       bool
	reason   bool
	reasoned bool // the reason must be there
	do       func(ctx context.Context, k Keeper, id string, d decision, lasts time.Duration) error
}

var acts = [...]act{
	{
		name: "ack", example: `{"by":"NAME","for":"4h"}`, lasts: watchdog.AcknowledgeForDefault,
		do: func(ctx context.Context, k Keeper, id string, d decision, lasts time.Duration) error {
			return k.Acknowledge(ctx, id, d.By, lasts)
		},
	},
	{
		name: "snooze", example: `{"by":"NAME","for":"1h"}`, lasts: watchdog.SnoozeForDefault,
		do: func(ctx context.Context, k Keeper, id string, d decision, lasts time.Duration) error {
			return k.Snooze(ctx, id, d.By, lasts)
		},
	},
	{
		name: "handover", example: `{"by":"NAME","to":"NAME"}`, to: true,
		do: func(ctx context.Context, k Keeper, id string, d decision, _ time.Duration) error {
			return k.HandOver(ctx, id, d.By, d.To)
		},
	},
	{
		name: "resolve", example: `{"by":"NAME","reason":"TEXT"}`, reason: true,
		do: func(ctx context.Context, k Keeper, id string, d decision, _ time.Duration) error {
			return k.Resolve(ctx, id, d.By, d.Reason)
		},
	},
	{
		name: "accept-loss", example: `{"by":"NAME","reason":"TEXT"}`, reason: true, reasoned: true,
		do: func(ctx context.Context, k Keeper, id string, d decision, _ time.Duration) error {
			return k.AcceptLoss(ctx, id, d.By, d.Reason)
		},
	},
}

// act is POST /api/v1/incidents/{id}/ack and its like.
func (a *API) act(do *act) handle {
	return func(w http.ResponseWriter, r *http.Request, who *Token) {
		var d decision
		if err := readDecision(w, r, &d); err != nil {
			refuse(w, http.StatusBadRequest, "the body is "+do.example+": "+err.Error())
			return
		}
		inc, err := a.decide(r.Context(), who, r.PathValue("id"), do, d)
		if err != nil {
			refuseError(w, err)
			return
		}
		answer(w, http.StatusOK, inc)
	}
}

// readDecision reads the body of a request into into.
func readDecision(w http.ResponseWriter, r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, decisionBytesMax))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// decide checks a decision, has it kept, and returns the incident as it is then.
func (a *API) decide(ctx context.Context, who *Token, id string, do *act, d decision) (*watchdog.Incident, error) {
	lasts, err := do.check(&d)
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, err.Error()}
	}
	inc, err := a.findIncident(ctx, id, who)
	if err != nil {
		return nil, err
	}
	if inc.State == watchdog.StateResolved {
		return nil, &refusal{http.StatusConflict, "the incident is resolved: there is nothing left to decide"}
	}
	if err := do.do(ctx, a.cfg.Keeper, id, d, lasts); err != nil {
		return nil, err
	}
	a.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "a person decided", slog.String("what", do.name),
		slog.String("incident", id), slog.String("by", d.By), slog.String("token", who.Name()))
	return a.findIncident(ctx, id, who)
}

// check says what is wrong with d, and how long it lasts.
func (do *act) check(d *decision) (lasts time.Duration, err error) {
	if d.By, err = person("by", d.By); err != nil {
		return 0, err
	}
	switch {
	case d.For != "" && do.lasts == 0:
		return 0, do.stray("for")
	case d.To != "" && !do.to:
		return 0, do.stray("to")
	case d.Reason != "" && !do.reason:
		return 0, do.stray("reason")
	case len(d.Reason) > watchdog.ReasonBytesMax:
		return 0, fmt.Errorf(`"reason" is longer than %d bytes`, watchdog.ReasonBytesMax)
	case do.reasoned && strings.TrimSpace(d.Reason) == "":
		return 0, fmt.Errorf(`"reason" is missing: say why, for those who ask later`)
	}
	if do.to {
		if d.To, err = person("to", d.To); err != nil {
			return 0, err
		}
	}
	if do.lasts == 0 || d.For == "" {
		return do.lasts, nil
	}
	return parseFor(d.For, watchdog.AcknowledgeForMax)
}

func (do *act) stray(field string) error {
	return fmt.Errorf("%q says nothing here: the body is %s", field, do.example)
}

// person is a name without the white space around it.
func person(field, name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", fmt.Errorf("%q is missing: give a name", field)
	}
	if err := watchdog.CheckPerson(name); err != nil {
		return "", fmt.Errorf("%q: %w", field, err)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return "", fmt.Errorf("%q has a character that does not print", field)
	}
	return name, nil
}

// parseFor reads how long something lasts: 90m, 4h, 1d.
func parseFor(text string, longest time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil && n <= 365 {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	const shortest = time.Minute
	if err != nil || d < shortest || d > longest {
		return 0, fmt.Errorf(`"for" is a time such as 90m, 4h or 1d, from 1m to %dd, not %.40q`, longest/(24*time.Hour), text)
	}
	return d, nil
}
