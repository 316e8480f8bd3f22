package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
)

func newServeCommand() *cobra.Command {
	var path, level string
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Watch, page, and serve the API and the status page",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(cmd.ErrOrStderr(), level)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), path, cmd.OutOrStdout(), log)
		},
	}
	cmd.Flags().StringVar(&path, "config", "feedwatch.yaml", "the service's configuration file")
	cmd.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	return cmd
}

func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}

func serve(ctx context.Context, path string, out io.Writer, log *slog.Logger) error {
	cfg, err := readConfig(path)
	if err != nil {
		return err
	}
	destinations, err := cfg.destinations(notifiers.NewTerminal(out, isTerminal(out)))
	if err != nil {
		return err
	}
	s, err := newService(ctx, cfg, destinations, log)
	if err != nil {
		return err
	}
	log.Info("watching", slog.String("listen", cfg.Listen), slog.String("page", cfg.ExternalURL), slog.String("rules", cfg.Rules))
	if cfg.Watch == (watchConfig{}) {
		log.Warn(s.outside.Short())
	}
	go s.reloadOnHangup(ctx)
	return s.run(ctx)
}

// reloadOnHangup reads the rule files again on SIGHUP.
func (s *service) reloadOnHangup(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			_ = s.reloader.Reload(ctx) // said by Reload
		}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
