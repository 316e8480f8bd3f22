package rules

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Schema is a JSON Schema (draft 2020-12) of a rule file, for editors: it knows the
// keys and what values look like, not what only the whole set can tell.
func Schema() ([]byte, error) {
	w := schemaWriter{defs: map[string]any{}}
	top := w.object(fileObject)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "feedwatch rule file"
	top["$defs"] = w.defs
	// An empty file is none.
	top["type"] = []string{"object", "null"}
	text, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(text, '\n'), nil
}

// schemaWriter writes each object once, under $defs.
type schemaWriter struct{ defs map[string]any }

type schema = map[string]any

func (w *schemaWriter) object(o *object) schema {
	properties, must := schema{}, []string{}
	for _, k := range o.keys {
		p := w.shape(k.takes)
		p["description"] = k.about
		properties[k.name] = p
		if k.must {
			must = append(must, k.name)
		}
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(must) > 0 {
		s["required"] = must
	}
	switch {
	case len(o.oneOf) > 0:
		var choices []schema
		for _, name := range o.oneOf {
			choices = append(choices, schema{"required": []string{name}})
		}
		s["oneOf"] = choices
	case len(o.apart) > 0:
		s["not"] = schema{"required": o.apart}
	}
	return s
}

// refer puts o under $defs, and is what points there.
func (w *schemaWriter) refer(o *object) schema {
	name := definitionName(o)
	if _, done := w.defs[name]; !done {
		w.defs[name] = nil
		w.defs[name] = w.object(o)
	}
	return schema{"$ref": "#/$defs/" + name}
}

// definitionName is "client-of-the-roster" for "a client of the roster".
func definitionName(o *object) string {
	name := strings.TrimPrefix(strings.TrimPrefix(o.what, "an "), "a ")
	return strings.ReplaceAll(name, " ", "-")
}

const (
	durationPattern = `([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?`
	sharePattern    = `(100([.]0+)?|[1-9][0-9]?([.][0-9]+)?|0[.][0-9]*[1-9][0-9]*) *%`
	targetPattern   = `[A-Za-z0-9][A-Za-z0-9._-]*`
	dayPattern      = `[Mm][Oo][Nn]|[Tt][Uu][Ee]|[Ww][Ee][Dd]|[Tt][Hh][Uu]|[Ff][Rr][Ii]|[Ss][Aa][Tt]|[Ss][Uu][Nn]`
	clockPattern    = `([01]?[0-9]|2[0-4]):[0-5][0-9]`
	datePattern     = `^2[01][0-9]{2}-[0-9]{2}-[0-9]{2}$`
	timePattern     = `^2[0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$`
)

// scalars are what the parser takes as text: a client may be called 007, or no.
var scalars = []string{"string", "number", "boolean"}

func matching(pattern, example string) schema {
	return schema{"type": "string", "minLength": 1, "pattern": pattern, "patternErrorMessage": "write for example " + example}
}

func (w *schemaWriter) shape(s shape) schema {
	switch s.kind {
	case wordShape:
		return schema{"enum": s.words}
	case boolShape:
		return schema{"type": "boolean"}
	case durationShape:
		return matching("^"+durationPattern+"$", "90s, 15m, 6h, 7d or 1h30m")
	case leadShape:
		return matching("^("+durationPattern+`|[0-9]+([.][0-9]+)? *%)$`, "48h, or 50% of the retention")
	case timeShape:
		return matching(timePattern, timeExample)
	case severityShape:
		return schema{"anyOf": []schema{{"enum": s.words}, w.refer(s.object)}}
	case quorumShape:
		return schema{"anyOf": []schema{{"type": "integer", "minimum": 1}, matching("^([1-9][0-9]*|"+sharePattern+")$", "3, or 10%")}}
	case countShape:
		return schema{"type": "integer", "minimum": 1, "maximum": MinUpdatesCountMax}
	case shareShape:
		return matching("^"+sharePattern+"$", "50%")
	case dayShape:
		return matching(`^2[0-9]{3}-[0-9]{2}-[0-9]{2}($|[Tt][0-9]{2}:)`, "2026-12-31")
	case linkShape:
		return matching("^[Hh][Tt][Tt][Pp][Ss]?://.", "https://wiki.example.com/runbook")
	case targetShape:
		return matching("^"+targetPattern+"/"+targetPattern+"$", "slack/cdp-alerts")
	case labelsShape:
		return schema{"type": "object", "additionalProperties": schema{"type": scalars}}
	case listShape:
		return schema{"type": "array", "items": w.shape(*s.of)}
	case objectShape:
		return w.refer(s.object)
	case clientShape:
		return schema{"anyOf": []schema{{"type": scalars}, w.refer(s.object)}}
	case rosterShape:
		return schema{"anyOf": []schema{w.shape(listOf(*s.of)), w.refer(s.object)}}
	case oneOrMoreShape:
		items := w.shape(*s.of)
		return schema{"anyOf": []schema{items, {"type": "array", "items": items, "minItems": 1}}}
	case daysShape:
		return matching("^("+dayPattern+")(-("+dayPattern+"))?$", "mon-fri")
	case hoursShape:
		return matching("^"+clockPattern+" *- *"+clockPattern+"$", "08:00-18:00")
	case holidayShape:
		return schema{"anyOf": []schema{matching(datePattern, "2026-12-24"), w.refer(s.object)}}
	default:
		return schema{"type": scalars}
	}
}
