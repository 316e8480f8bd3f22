package notifiertest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Slack's limits on a message.
const (
	slackTextMax     = 4000  // it documents 40,000, and refuses less
	slackTotalMax    = 11000 // of all blocks together; undocumented, and refused from about there on
	slackBlocksMax   = 50
	slackHeaderMax   = 150
	slackSectionMax  = 3000
	slackButtonMax   = 75
	slackURLMax      = 3000
	slackElementsMax = 25
	slackContextMax  = 10
	slackIDMax       = 255
	slackValueMax    = 2000
	slackOptionMax   = 75 // of an option's text, and of its value
	slackOptionsMax  = 100
	slackTitleMax    = 24 // of a form, and of its buttons
	slackMetadataMax = 3000
	slackInputMax    = 3000
)

type slackBlock struct {
	Type        string        `json:"type"`
	ID          string        `json:"block_id"`
	Text        *slackText    `json:"text"`
	Label       *slackText    `json:"label"`
	Elements    []slackBlock  `json:"elements"`
	Element     *slackBlock   `json:"element"`
	ActionID    string        `json:"action_id"`
	URL         string        `json:"url"`
	Value       string        `json:"value"`
	Style       string        `json:"style"`
	Placeholder *slackText    `json:"placeholder"`
	Options     []slackOption `json:"options"`
	LengthMax   int           `json:"max_length"`
}

type slackOption struct {
	Text  *slackText `json:"text"`
	Value string     `json:"value"`
}

// slackText is a text object, or the bare string of a context's element.
type slackText struct{ kind, text string }

func (t *slackText) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &t.text) == nil {
		return nil
	}
	var object struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	err := json.Unmarshal(data, &object)
	t.kind, t.text = object.Type, object.Text
	return err
}

// checkMessage refuses what Slack would.
func checkMessage(form url.Values) answer {
	text, blocks := form.Get("text"), form.Get("blocks")
	switch {
	case text == "" && blocks == "":
		return problem("no_text")
	case utf8.RuneCountInString(text) > slackTextMax:
		return problem("msg_too_long")
	}
	if metadata := form.Get("metadata"); metadata != "" {
		var m struct {
			Type    string         `json:"event_type"`
			Payload map[string]any `json:"event_payload"`
		}
		if json.Unmarshal([]byte(metadata), &m) != nil || m.Type == "" || m.Payload == nil {
			return problem("invalid_metadata_format")
		}
	}
	if blocks == "" {
		return answer{}
	}
	var list []slackBlock
	if err := json.Unmarshal([]byte(blocks), &list); err != nil {
		return problem("invalid_blocks_format")
	}
	if err := checkBlocks(list); err != nil {
		return problem("invalid_blocks", "response_metadata", map[string]any{"messages": []string{"[ERROR] " + err.Error()}})
	}
	total := 0
	for _, b := range list {
		total += charsIn(b)
	}
	if total > slackTotalMax {
		return problem("msg_blocks_too_long")
	}
	return answer{}
}

// charsIn counts the text of a block.
func charsIn(b slackBlock) int {
	n := 0
	if b.Text != nil {
		n = utf8.RuneCountInString(b.Text.text)
	}
	for _, e := range b.Elements {
		n += charsIn(e)
	}
	return n
}

func checkBlocks(list []slackBlock) error {
	if len(list) > slackBlocksMax {
		return fmt.Errorf("no more than %d items allowed", slackBlocksMax)
	}
	seen := map[string]bool{}
	for i, b := range list {
		if len(b.ID) > slackIDMax || b.ID != "" && seen[b.ID] {
			return fmt.Errorf("a block_id is unique and has at most %d characters", slackIDMax)
		}
		seen[b.ID] = true
		if err := checkBlock(b); err != nil {
			return fmt.Errorf("%w [json-pointer:/blocks/%d]", err, i)
		}
	}
	return nil
}

func checkBlock(b slackBlock) error {
	switch b.Type {
	case "header":
		return checkText(b.Text, "plain_text", slackHeaderMax)
	case "section":
		return checkText(b.Text, "", slackSectionMax)
	case "context":
		if len(b.Elements) == 0 || len(b.Elements) > slackContextMax {
			return fmt.Errorf("a context has 1 to %d elements", slackContextMax)
		}
		for _, e := range b.Elements {
			if err := checkText(e.Text, "", slackSectionMax); err != nil {
				return err
			}
		}
		return nil
	case "actions":
		return checkActions(b.Elements)
	case "divider":
		return nil
	case "input":
		if b.Element == nil || b.Element.Type != "plain_text_input" || b.Element.LengthMax > slackInputMax {
			return fmt.Errorf("an input of another kind")
		}
		return checkText(b.Label, "plain_text", slackURLMax)
	default:
		return fmt.Errorf("unsupported type: %s", b.Type)
	}
}

func checkActions(elements []slackBlock) error {
	if len(elements) == 0 || len(elements) > slackElementsMax {
		return fmt.Errorf("actions have 1 to %d elements", slackElementsMax)
	}
	seen := map[string]bool{}
	for _, e := range elements {
		if e.ActionID == "" || len(e.ActionID) > slackIDMax || seen[e.ActionID] {
			return fmt.Errorf("an action_id is unique within a block and has 1 to %d characters", slackIDMax)
		}
		seen[e.ActionID] = true
		if err := checkElement(e); err != nil {
			return err
		}
	}
	return nil
}

func checkElement(e slackBlock) error {
	switch e.Type {
	case "button":
		u, err := url.Parse(e.URL)
		switch {
		case err != nil || e.URL != "" && u.Host == "" || len(e.URL) > slackURLMax:
			return fmt.Errorf("invalid url")
		case len(e.Value) > slackValueMax:
			return fmt.Errorf("a value has at most %d characters", slackValueMax)
		case e.Style != "" && e.Style != "primary" && e.Style != "danger":
			return fmt.Errorf("unsupported style: %s", e.Style)
		}
		return checkText(e.Text, "plain_text", slackButtonMax)
	case "static_select":
		if len(e.Options) == 0 || len(e.Options) > slackOptionsMax {
			return fmt.Errorf("a menu has 1 to %d options", slackOptionsMax)
		}
		for _, o := range e.Options {
			if o.Value == "" || len(o.Value) > slackOptionMax {
				return fmt.Errorf("an option's value has 1 to %d characters", slackOptionMax)
			}
			if err := checkText(o.Text, "plain_text", slackOptionMax); err != nil {
				return err
			}
		}
		return checkText(e.Placeholder, "plain_text", 150)
	default:
		return fmt.Errorf("unsupported element: %s", e.Type)
	}
}

func checkText(t *slackText, kind string, runesMax int) error {
	switch {
	case t == nil || t.text == "":
		return fmt.Errorf("must be more than 0 characters")
	case kind != "" && t.kind != kind:
		return fmt.Errorf("must be of type %s", kind)
	case utf8.RuneCountInString(t.text) > runesMax:
		return fmt.Errorf("must be less than %d characters", runesMax+1)
	}
	return nil
}

var slackRing = regexp.MustCompile(`<[!@#][^>]*>`)

// Rings says whom a message calls by name or at large: <!channel>, <@U123>.
func (m SlackMessage) Rings() []string {
	all := slackRing.FindAllString(m.Text, -1)
	var blocks any
	if json.Unmarshal(m.Blocks, &blocks) == nil {
		all = append(all, ringsIn(blocks)...)
	}
	return all
}

// ringsIn looks at every string of a JSON value, plain text too: what must be
// escaped in one place has no business unescaped in another.
func ringsIn(v any) []string {
	var all []string
	switch v := v.(type) {
	case string:
		all = slackRing.FindAllString(v, -1)
	case []any:
		for _, e := range v {
			all = append(all, ringsIn(e)...)
		}
	case map[string]any:
		for _, e := range v {
			all = append(all, ringsIn(e)...)
		}
	}
	return all
}

// Reading is the message as a person reads it: its blocks as text, or its text
// where it has none.
func (m SlackMessage) Reading() string {
	var list []slackBlock
	if json.Unmarshal(m.Blocks, &list) != nil || len(list) == 0 {
		return unescape(m.Text)
	}
	var lines []string
	for _, b := range list {
		switch b.Type {
		case "header":
			lines = append(lines, "# "+b.Text.text)
		case "section":
			lines = append(lines, b.Text.text)
		case "input":
			lines = append(lines, b.Label.text+": ("+b.Element.Placeholder.text+")")
		case "context":
			for _, e := range b.Elements {
				lines = append(lines, "-- "+e.Text.text)
			}
		case "actions":
			var buttons []string
			for _, e := range b.Elements {
				buttons = append(buttons, element(e))
			}
			lines = append(lines, strings.Join(buttons, " "))
		}
	}
	return unescape(strings.Join(lines, "\n"))
}

// element is a link as in Markdown, what comes back to us without an address.
func element(e slackBlock) string {
	switch {
	case e.Type == "static_select":
		var options []string
		for _, o := range e.Options {
			options = append(options, o.Text.text)
		}
		return "[" + e.Placeholder.text + " " + strings.Join(options, " | ") + "]"
	case e.URL != "":
		return "[" + e.Text.text + "](" + e.URL + ")"
	default:
		return "[" + e.Text.text + "]"
	}
}

func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}
