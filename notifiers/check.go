package notifiers

import "context"

// Checker is a notifier whose set-up can be looked at, all the way to the service
// behind it. With post it also sends a message, marked as a test, and takes it back
// where that is possible.
type Checker interface {
	Check(ctx context.Context, post bool) []Finding
}

// Finding is one thing that was looked at.
type Finding struct {
	What  string // "scopes"
	Found string // how it is, or what is wrong with it
	Mend  string // what a person must do; "" where it is as it should be
	Pages bool   // whatever is wrong with it, pages get through
}

// OK says that nobody has to do anything.
func (f Finding) OK() bool { return f.Mend == "" }
