package main

import (
	"github.com/spf13/cobra"

	"github.com/feedwatch/feedwatch/rules"
)

func newRulesSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of rule files, for editors",
		Long: `Prints a JSON Schema (draft 2020-12) of a rule file. Editors that speak to
yaml-language-server then complete keys, explain them, and mark what is wrong
while you type:

  feedwatch rules schema > feedwatch.schema.json

and as the first line of each rule file:

  # yaml-language-server: $schema=../feedwatch.schema.json

A schema sees one file. What only the whole set can tell is for rules check.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := rules.Schema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
