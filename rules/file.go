package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"path"
	"path/filepath"
	"time"
)

// File is one rule file, or a file beside it that one names (clients, a calendar): its
// name as shown in findings, and its bytes.
type File struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// Limits on a set of rule files. What is past them is refused with a finding.
const (
	FileBytesMax    = 1 << 20  // of one file
	RosterBytesMax  = 16 << 20 // of one file of clients
	SetBytesMax     = 64 << 20 // of all files together
	FilesMax        = 1_000
	RulesMax        = 10_000                // in all files together
	NodesMax        = 1_000_000             // YAML nodes of one file once its aliases are followed
	MatchersMax     = 100                   // of one rule or maintenance
	StepsMax        = 100                   // of one escalation
	MaintenancesMax = 1_000                 // in all files together
	IgnoresMax      = 100                   // of one feed
	DependsOnMax    = 16                    // of one feed
	ActivesMax      = 1_000                 // different ones in all files together
	HoursMax        = 24                    // of one active
	TextBytesMax    = 1_000                 // of a description, an owner, a runbook, a reason
	NameBytesMax    = 100                   // of a rule, an escalation, a maintenance, a notifier
	RepeatMin       = time.Minute           // between two pages of a step
	DurationMax     = 3650 * 24 * time.Hour // of every duration
)

// version is the same for the same files, wherever their directory is mounted:
// a hash over base names and contents, each with its length before it.
func version(files []File) string {
	h := sha256.New()
	part := func(b []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	for _, f := range files {
		part([]byte(path.Base(filepath.ToSlash(f.Name))))
		part(f.Data)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
