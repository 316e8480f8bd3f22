package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/replay"
	"github.com/feedwatch/feedwatch/watchdog/sources/prometheus"
)

// historyFlags say which recorded past a command reads, and how.
type historyFlags struct {
	files    []string
	config   string
	source   string
	from     string
	until    string
	step     string
	reorder  string
	skip     bool
	progress bool
}

// historyHelp is what every command that reads a history says of it.
const historyHelp = `A history is one or more files, merged by time: text lines
` + "`feed client unix_ms [event_unix_ms]`" + `, one JSON object a line as the HTTP API takes
it, or CSV with a header (feed,client,time,event_time,count, every other column a
label), plain or compressed with gzip or zstd; - is standard input. With --source it
is what a Prometheus source of --config would have read, from --from until --until.`

func (f *historyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.source, "source", "", "read the past of this Prometheus source of --config in place of files")
	flags.StringVar(&f.config, "config", "feedwatch.yaml", "the configuration file that names the source")
	flags.StringVar(&f.step, "step", "", "how far apart the values of --source are read (default 1m)")
	flags.StringVar(&f.from, "from", "", "begin here, as 2026-11-24T00:00:00Z; what came before is known then (default: the first heartbeat)")
	flags.StringVar(&f.until, "until", "", "end here (default: the last heartbeat)")
	flags.StringVar(&f.reorder, "reorder", "10s", "put heartbeats in order that stand so much behind newer ones")
	flags.BoolVar(&f.skip, "skip-wrong", false, "leave out lines that are wrong, and count them")
	flags.BoolVar(&f.progress, "progress", false, "show how far it is, also where that is no terminal")
}

// addFiles is add where the arguments are not files.
func (f *historyFlags) addFiles(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.files, "history", nil, "a file of recorded heartbeats, or - for standard input; may be repeated")
	f.add(cmd)
}

// given says that a history was asked for.
func (f *historyFlags) given() bool { return len(f.files) > 0 || f.source != "" }

// historyHint is how a command is given a history.
const historyHint = "name its files with --history, or a source with --source"

// unused says that a flag is set and no history was asked for.
func (f *historyFlags) unused(cmd *cobra.Command, hint string) error {
	for _, name := range []string{"config", "step", "from", "until", "reorder", "skip-wrong", "progress"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is for a history; %s", name, hint)
		}
	}
	return nil
}

// plan reads the flags that say what to replay.
func (f *historyFlags) plan(sets ...*rules.Set) (replay.Plan, error) {
	p := replay.Plan{Sets: sets}
	for _, at := range []struct {
		flag, text string
		to         *feed.Instant
	}{{"--from", f.from, &p.From}, {"--until", f.until, &p.Until}} {
		if at.text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, at.text)
		if err != nil {
			return p, fmt.Errorf("%s %q: write it as 2026-11-24T00:00:00Z", at.flag, at.text)
		}
		*at.to = feed.At(t)
	}
	if p.Until != 0 && p.Until <= p.From {
		return p, fmt.Errorf("--until %s is not after --from %s", f.until, f.from)
	}
	var err error
	if p.Reorder, err = rules.ParseDuration(f.reorder); err != nil || p.Reorder > replay.ReorderMax {
		return p, fmt.Errorf("--reorder %q: write 1s to %s", f.reorder, rules.FormatDuration(replay.ReorderMax))
	}
	return p, nil
}

// run replays the history under each of the sets.
func (f *historyFlags) run(cmd *cobra.Command, sets ...*rules.Set) ([]*replay.Backtest, error) {
	plan, err := f.plan(sets...)
	if err != nil {
		return nil, err
	}
	return f.replay(cmd, plan)
}

func (f *historyFlags) replay(cmd *cobra.Command, plan replay.Plan) ([]*replay.Backtest, error) {
	m := &historyMeter{began: time.Now()}
	if f.progress || isTerminal(cmd.ErrOrStderr()) {
		m.out = cmd.ErrOrStderr()
		plan.Progress = m.show
	}
	defer m.clear()
	if f.source != "" {
		h, err := f.prometheus(&plan)
		if err != nil {
			return nil, err
		}
		defer h.Close()
		m.share = h.Share
		return plan.Run(cmd.Context(), h)
	}
	if f.step != "" {
		return nil, errors.New("--step is for --source; files have every heartbeat")
	}
	if cmd.Flags().Changed("config") {
		return nil, errors.New("--config is for --source, which it names")
	}
	return f.recordings(cmd, plan, m)
}

// recordings replays files, and says what was not as it should be in them.
func (f *historyFlags) recordings(cmd *cobra.Command, plan replay.Plan, m *historyMeter) ([]*replay.Backtest, error) {
	files, done, err := openRecordings(f.files, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	defer done()
	h, err := replay.Open(cmd.Context(), files, f.skip)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	m.share = h.Share
	all, err := plan.Run(cmd.Context(), h)
	m.clear()
	if err != nil {
		return nil, err
	}
	if n, why := h.Wrong(); n > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "feedwatch: left out %s that are wrong; the first:\n%v\n", plural(n, "line"), why)
	}
	if late := all[0].Late; late > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "feedwatch: %s stood more than %s behind newer ones and may have come too late to a deadline; the first was %s\n"+
			"hint: give --reorder more, or sort the history by time\n", plural(late, "heartbeat"), f.reorder, all[0].LateFirst)
	}
	return all, nil
}

// openRecordings opens files; done closes them.
func openRecordings(paths []string, in io.Reader) (all []replay.Recording, done func(), err error) {
	var opened []*os.File
	done = func() {
		for _, f := range opened {
			_ = f.Close() // it was only read
		}
	}
	for _, path := range paths {
		if path == "-" {
			all = append(all, replay.Recording{Name: "standard input", Reader: in})
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			done()
			return nil, nil, fmt.Errorf("read history: %w", err)
		}
		opened = append(opened, f)
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a directory; name its files", path)
		}
		if err != nil {
			done()
			return nil, nil, fmt.Errorf("read history: %w", err)
		}
		all = append(all, replay.Recording{Name: path, Reader: f, Bytes: info.Size()})
	}
	return all, done, nil
}

// prometheus is the past of a source.
func (f *historyFlags) prometheus(plan *replay.Plan) (*prometheus.History, error) {
	if len(f.files) > 0 {
		return nil, fmt.Errorf("--source and the file %s are both given: keep one", f.files[0])
	}
	if plan.From == 0 || plan.Until == 0 {
		return nil, errors.New("--source needs --from and --until: Prometheus has no first and no last value")
	}
	cfg, err := readConfig(f.config)
	if err != nil {
		return nil, err
	}
	step := time.Minute
	if f.step != "" {
		if step, err = rules.ParseDuration(f.step); err != nil {
			return nil, fmt.Errorf("--step: %w", err)
		}
	}
	var names []string
	for _, p := range cfg.Sources.Prometheus {
		if p.Pull.Name == f.source {
			source, err := p.config()
			if err != nil {
				return nil, err
			}
			return prometheus.NewHistory(source, prometheus.Span{From: plan.From.Time(), Until: plan.Until.Time(), Step: step})
		}
		names = append(names, p.Pull.Name)
	}
	return nil, fmt.Errorf("%s has no Prometheus source %q; it has %s", f.config, f.source, strings.Join(append(names, "no other"), ", "))
}

// historyMeter shows how far the reading of a history is.
type historyMeter struct {
	out   io.Writer // nil: nobody looks
	share func() float64
	began time.Time
	last  time.Time
	shown bool
}

// meterEvery keeps the line readable.
const meterEvery = 200 * time.Millisecond

func (m *historyMeter) show(now feed.Instant, heartbeats int) {
	if time.Since(m.last) < meterEvery {
		return
	}
	m.last, m.shown = time.Now(), true
	line := "replaying " + now.Time().Format("2 Jan 15:04") + " UTC, " + plural(heartbeats, "heartbeat")
	if share := m.share(); share > 0 {
		left := time.Duration(float64(time.Since(m.began)) * (1 - share) / share)
		line += fmt.Sprintf(", %.0f %%, %s left", 100*share, notifiers.Age(left))
	}
	if isTerminal(m.out) {
		fmt.Fprint(m.out, "\r\x1b[K"+line)
		return
	}
	fmt.Fprintln(m.out, line)
}

// clear takes the line away from a terminal.
func (m *historyMeter) clear() {
	if m.shown && isTerminal(m.out) {
		fmt.Fprint(m.out, "\r\x1b[K")
		m.shown = false
	}
}

// scenarioFile says that a path names a scenario, not a history.
func scenarioFile(path string) bool {
	return strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}
