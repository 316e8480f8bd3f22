package main

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/sources"
)

// newCheckCommand checks what serve would start with, for CI and before a deploy.
func newCheckCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check [RULES_DIR]",
		Short: "Check a configuration, with its secrets and rule files",
		Long: `Checks what serve would start with: that the secrets can be read, the notifiers
and sources make sense, and the rule files name only notifiers that exist. Needs
the secrets; rules check does not, and tells more about rule files.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := readConfig(path)
			if err != nil {
				return err
			}
			all, err := cfg.destinations(notifiers.NewTerminal(cmd.OutOrStdout(), false))
			if err != nil {
				return err
			}
			if err := cfg.checkPagerDuty(all); err != nil {
				return err
			}
			if _, err := cfg.pinger(prometheus.NewRegistry(), nil, slog.New(slog.DiscardHandler)); err != nil {
				return err
			}
			pulled, err := cfg.pullers(sources.NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			for _, p := range pulled {
				p.Close()
			}
			if _, err := cfg.apiTokens(); err != nil {
				return err
			}
			dir := cfg.Rules
			if len(args) == 1 {
				dir = args[0]
			}
			files, err := rules.LoadDir(dir)
			if err != nil {
				return err
			}
			set, err := rules.ParseFor(files, targetsOf(all))
			if err != nil {
				return err
			}
			if err := cfg.checkDrills(set); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s, set %s\n",
				dir, plural(len(set.Feeds()), "feed"), plural(len(set.Escalations()), "escalation"), set.Version())
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "config", "feedwatch.yaml", "the service's configuration file")
	return cmd
}
