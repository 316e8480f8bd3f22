package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

func newDrillCommand() *cobra.Command {
	var server serverFlags
	var ask drillAsked
	var format string
	cmd := &cobra.Command{
		Use:   "drill [--escalation NAME] [--human]",
		Short: "Try whether pages get through, and whether somebody answers",
		Long: `Has a running feedwatch send a message that is marked as a drill to every notifier
of an escalation, or of all, on the way that pages take, and looks for it where it
was sent: in the Slack channel, among PagerDuty's incidents. With --human somebody
has to acknowledge it in time. It is resolved at the end. Ends with an error
where a message was not found or nobody answered; the other notifiers are told so.

What was begun goes on where this command is stopped. The token needs the role admin.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format %q: write text or json", format)
			}
			if cmd.Flags().Changed("within") && !ask.Human {
				return fmt.Errorf("--within is how long a person has to acknowledge: it needs --human")
			}
			c, err := server.client()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if format == "json" {
				out = io.Discard
			}
			drills, err := c.drill(cmd.Context(), ask, out)
			if err != nil {
				return err
			}
			if format == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				if err := enc.Encode(drills); err != nil {
					return err
				}
			}
			return cameOf(drills)
		},
	}
	server.add(cmd.Flags())
	cmd.Flags().StringVar(&ask.Escalation, "escalation", "", "the escalation to try (default all)")
	cmd.Flags().BoolVar(&ask.Human, "human", false, "somebody has to acknowledge: PagerDuty wakes people for it")
	cmd.Flags().StringVar(&ask.Within, "within", "", "with --human, how long they have: 1m to 4h (default 15m)")
	cmd.Flags().StringVar(&ask.By, "by", "", "who you are, for those who read it (default the user of this machine)")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// drillAsked is the body of POST /api/v1/drills.
type drillAsked struct {
	Escalation string `json:"escalation,omitempty"`
	Human      bool   `json:"human,omitempty"`
	Within     string `json:"within,omitempty"`
	By         string `json:"by"`
}

const (
	drillPollEvery = 500 * time.Millisecond
	// drillLostMax is how many times in a row the server may not answer meanwhile.
	drillLostMax = 20
)

// drill begins a drill and prints what comes of it, as it comes.
func (c *client) drill(ctx context.Context, ask drillAsked, out io.Writer) ([]*watchdog.Incident, error) {
	if ask.By == "" {
		ask.By = "somebody at a terminal"
		if u, err := user.Current(); err == nil {
			ask.By = cmp.Or(u.Username, ask.By)
		}
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	var begun struct{ Drills []*watchdog.Incident }
	if err := c.send(ctx, "/api/v1/drills", "application/json", body, &begun); err != nil {
		return nil, err
	}
	said := drillSaid{out: out, lines: map[string]bool{}}
	for lost := 0; ; {
		over := true
		for i, inc := range begun.Drills {
			newest, err := c.byID(ctx, inc.ID)
			if err != nil {
				if lost++; lost > drillLostMax || ctx.Err() != nil {
					return nil, fmt.Errorf("what comes of drill %s is not known here, it goes on: %w", inc.ID, err)
				}
				over = false
				continue
			}
			lost = 0
			begun.Drills[i] = newest
			if newest.Drill == nil {
				return nil, fmt.Errorf("%s does not say what came of drill %s", c.base.Redacted(), inc.ID)
			}
			said.progress(newest)
			over = over && newest.Drill.Over
		}
		if over {
			return begun.Drills, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("stopped looking; the drill goes on until it is over by itself: %w", ctx.Err())
		case <-time.After(drillPollEvery):
		}
	}
}

// drillSaid prints each line once.
type drillSaid struct {
	out   io.Writer
	lines map[string]bool
}

func (s *drillSaid) line(id, text string) {
	if key := id + text; !s.lines[key] {
		s.lines[key] = true
		fmt.Fprintln(s.out, text)
	}
}

// progress prints what is new about a drill.
func (s *drillSaid) progress(inc *watchdog.Incident) {
	d := inc.Drill
	s.line(inc.ID, fmt.Sprintf("DRILL of %s (%s)", strings.Join(d.Escalations, ", "), inc.ID))
	settled := true
	for i := range d.Notifiers {
		r := &d.Notifiers[i]
		text := fmt.Sprintf("%s: %s", r.Notifier, notifiers.DrillResult(inc, r))
		switch {
		case r.State == watchdog.DrillFailed:
			text = "  FAIL  " + text
		case r.State == watchdog.DrillSeen:
			text = "  ok    " + text
		case r.State == watchdog.DrillUnseen:
			text = "  --    " + text
		case d.Over:
			text = "  ?     " + text
		default:
			settled = false
			continue
		}
		if r.Mend != "" {
			text += "\n        " + r.Mend
		}
		s.line(inc.ID, text)
	}
	switch {
	case d.Over && d.CutShort != "":
		s.line(inc.ID, "  ?     cut short: "+d.CutShort)
	case !d.Human:
	case inc.Ack != nil:
		s.line(inc.ID, fmt.Sprintf("  ok    acknowledged by %s after %s", inc.Ack.By, notifiers.Age(max(inc.Ack.At.Sub(inc.Opened), time.Second))))
	case d.Failed != "":
		s.line(inc.ID, "  FAIL  "+d.Failed)
	case settled:
		s.line(inc.ID, fmt.Sprintf("  ...   waiting for somebody to acknowledge, until %s UTC", d.Until.Time().Format("15:04")))
	}
}

// cameOf is the error of drills that did not go well.
func cameOf(drills []*watchdog.Incident) error {
	failed, of, silent := map[rules.Target]bool{}, map[rules.Target]bool{}, 0
	for _, inc := range drills {
		d := inc.Drill
		if d.CutShort != "" {
			return fmt.Errorf("what came of the drill is not known: %s; try again", d.CutShort)
		}
		for i := range d.Notifiers {
			of[d.Notifiers[i].Notifier] = true
			if d.Notifiers[i].State == watchdog.DrillFailed {
				failed[d.Notifiers[i].Notifier] = true
			}
		}
		if d.Failed != "" {
			silent++
		}
	}
	var said []string
	if len(failed) > 0 {
		said = append(said, fmt.Sprintf("it did not get through %d of %s", len(failed), plural(len(of), "notifier")))
	}
	if silent > 0 {
		said = append(said, fmt.Sprintf("nobody acknowledged on %d of %s", silent, plural(len(drills), "escalation")))
	}
	if len(said) == 0 {
		return nil
	}
	return fmt.Errorf("the drill failed: %s", strings.Join(said, ", and "))
}
