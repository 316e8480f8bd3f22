// Command feedwatch hears when a feed goes silent, and pages people until
// somebody acts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // schedules name time zones; a scratch image has none

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // whoever asks twice does not wait for what hangs
	err := newRootCommand().ExecuteContext(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		stop()
		os.Exit(fail(os.Stderr, err))
	}
}

// exit is an error with an exit status of its own. Without a cause all was said.
type exit struct {
	status int
	cause  error
}

func (e *exit) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.cause.Error()
}

func (e *exit) Unwrap() error { return e.cause }

// fail says why a command failed, and is its exit status.
func fail(w io.Writer, err error) int {
	e := &exit{status: 1, cause: err}
	errors.As(err, &e)
	if e.cause != nil {
		fmt.Fprintln(w, "feedwatch:", err)
	}
	return e.status
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "feedwatch",
		Short: "Hears when a feed goes silent, and pages people until somebody acts",
		Long: `feedwatch compares the last update received per feed and client with freshness
rules, and when a feed goes silent it escalates through Slack and PagerDuty until
somebody acts.

To see it page, without any account or configuration:  feedwatch demo`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServeCommand(), newDemoCommand(), newReplayCommand(), newReportCommand(), newCheckCommand(), newRulesCommand(),
		newNotifiersCommand(), newDrillCommand(), newLoadCommand(), newVersionCommand())
	sayArguments(root)
	return root
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "feedwatch", version()) },
	}
}

// version is the module's version, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return info.Main.Version
}
