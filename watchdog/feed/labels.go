package feed

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Limits on the labels of one series.
const (
	LabelsMax          = 16
	LabelNameBytesMax  = 64
	LabelValueBytesMax = 128
)

// Labels says what is known of a client besides its name (tier, cluster, ...).
// It is one string in a canonical form, sorted by name, so it compares with ==,
// serves as a map key and interns to itself. The zero Labels has none. Only
// ParseLabels makes one.
type Labels struct{ canonical string }

// Between a name and its value, and after a value. Neither passes checkPrintable.
const (
	labelValueMark = "\x01"
	labelEndMark   = "\x02"
)

// ParseLabels checks and sorts pairs. Names are Prometheus' label names
// ([A-Za-z_][A-Za-z0-9_]*); "client" and "feed" are taken by the key itself.
// Labels with an empty value are left out, as Prometheus does. Errors wrap ErrName.
func ParseLabels(pairs map[string]string) (Labels, error) {
	if len(pairs) == 0 {
		return Labels{}, nil
	}
	if len(pairs) > LabelsMax {
		return Labels{}, fmt.Errorf("%w: %d labels, %d are allowed", ErrName, len(pairs), LabelsMax)
	}
	names := make([]string, 0, len(pairs))
	for name, value := range pairs {
		if err := checkLabel(name, value); err != nil {
			return Labels{}, err
		}
		if value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + labelValueMark + pairs[name] + labelEndMark)
	}
	return Labels{b.String()}, nil
}

func checkLabel(name, value string) error {
	if err := CheckLabelName(name); err != nil {
		return err
	}
	if len(value) > LabelValueBytesMax {
		return fmt.Errorf("%w: the value of label %q has %d bytes, %d are allowed", ErrName, name, len(value), LabelValueBytesMax)
	}
	return checkPrintable("label "+name, value)
}

// CheckLabelName says what is wrong with a label's name, or nil.
func CheckLabelName(name string) error {
	if name == "client" || name == "feed" {
		return fmt.Errorf("%w: label %q is the series' own name; choose another", ErrName, name)
	}
	if name == "" || len(name) > LabelNameBytesMax {
		return fmt.Errorf("%w: a label's name has 1 to %d bytes, this one %d", ErrName, LabelNameBytesMax, len(name))
	}
	for i := range len(name) {
		b := name[i]
		ok := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_' || i > 0 && '0' <= b && b <= '9'
		if !ok {
			return fmt.Errorf("%w: label %q: letters, digits and '_' are allowed, and no digit first", ErrName, name)
		}
	}
	return nil
}

// IsZero says that there are no labels.
func (l Labels) IsZero() bool { return l.canonical == "" }

// Size is how long the names and values are, with their marks, and how many labels
// there are.
func (l Labels) Size() (text, labels int) {
	return len(l.canonical), strings.Count(l.canonical, labelEndMark)
}

// Get is the value of the label called name, or "".
func (l Labels) Get(name string) string {
	for n, v := range l.All() {
		if n == name {
			return v
		}
	}
	return ""
}

// All yields the labels sorted by name.
func (l Labels) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		rest := l.canonical
		for rest != "" {
			name, after, _ := strings.Cut(rest, labelValueMark)
			value, next, _ := strings.Cut(after, labelEndMark)
			if !yield(name, value) {
				return
			}
			rest = next
		}
	}
}

// Map is the labels as a new map, nil when there are none.
func (l Labels) Map() map[string]string {
	if l.canonical == "" {
		return nil
	}
	m := make(map[string]string, 4)
	for n, v := range l.All() {
		m[n] = v
	}
	return m
}

// String is the labels as `cluster=fsn1, tier=enterprise`.
func (l Labels) String() string {
	var b strings.Builder
	for n, v := range l.All() {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(n + "=" + v)
	}
	return b.String()
}

// MarshalJSON writes an object.
func (l Labels) MarshalJSON() ([]byte, error) { return json.Marshal(l.Map()) }

// UnmarshalJSON reads an object through ParseLabels.
func (l *Labels) UnmarshalJSON(data []byte) error {
	var m map[string]string
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	parsed, err := ParseLabels(m)
	*l = parsed
	return err
}
