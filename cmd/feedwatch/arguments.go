package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// sayArguments lets commands that take no others beside their own say how they are
// written when they are given too many arguments, or too few.
func sayArguments(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		sayArguments(sub)
	}
	takes := cmd.Args
	if takes == nil || cmd.HasSubCommands() {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if takes(cmd, args) == nil {
			return nil
		}
		hint := ""
		if cmd.Flags().Lookup("rules") != nil && len(args) > 0 {
			hint = "; --rules says where the rule files are"
		}
		err := fmt.Errorf("%s cannot be run with %s; write %s%s", cmd.CommandPath(), plural(len(args), "argument"), cmd.UseLine(), hint)
		return cmd.FlagErrorFunc()(cmd, err)
	}
}
