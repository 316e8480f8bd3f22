package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Brief is the error that refuses rule files in one line: its first finding that
// does so, and how many more of them there are.
//
//	profiles.yaml:6:55: unknown key "stale_afer" [unknown-key] and 3 more
func Brief(err error) string {
	found, ok := errors.AsType[*Findings](err)
	if !ok {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return line
	}
	i := slices.IndexFunc(found.All, func(f Finding) bool { return f.Level != LevelWarning })
	if i < 0 {
		return strings.TrimSuffix(found.Summary(), ".")
	}
	line, _, _ := strings.Cut(found.All[i].String(), "\n")
	if more := len(found.All) - found.Warnings() - 1; more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}
