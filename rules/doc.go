// Package rules turns rule files, which the CDP team edits in YAML, into an
// immutable Set: feeds, the rules that say when their series are stale, the
// escalations that say who is told, and the maintenances that are known in
// advance. A set is accepted whole or refused whole, and every error is found at
// once, at file:line:col, with what to write instead.
package rules
