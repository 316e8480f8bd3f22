package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// cronField is one of the five fields of a cron expression.
type cronField struct {
	name     string
	from, to int
	words    string // that stand for numbers, each of three letters, from `from` on
	note     string // on what people write in place of a number that there is not
}

var cronFields = [...]cronField{
	{"minute", 0, 59, "", ""},
	{"hour", 0, 23, "", "midnight is 0"},
	{"day of month", 1, 31, "", ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", ""},
	{"day of week", 0, 6, "sunmontuewedthufrisat", "Sunday is 0"},
}

// check refuses what no cron takes, in words; what it passes is parsed later.
func (c *cronField) check(text string) error {
	if strings.HasPrefix(text, ",") || strings.HasSuffix(text, ",") || strings.Contains(text, ",,") {
		return fmt.Errorf("cron field %q has an empty item; remove a comma", shortened(text))
	}
	if strings.Contains(text, "*-") || strings.Contains(text, "?-") {
		return fmt.Errorf("cron field %q is a range that begins with a star; write two numbers", shortened(text))
	}
	for _, item := range strings.Split(text, ",") {
		if err := c.checkItem(item); err != nil {
			return err
		}
	}
	return nil
}

// checkItem looks at *, 5, 5-10, each with /2 behind it or not.
func (c *cronField) checkItem(item string) error {
	span, step, stepped := strings.Cut(item, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
		return fmt.Errorf("cron field %q has no number of steps behind its /; write for example */5", shortened(item))
	}
	if span == "*" || span == "?" {
		return nil
	}
	low, high, ranged := strings.Cut(span, "-")
	from, err := c.number(low)
	if err != nil || !ranged {
		return err
	}
	to, err := c.number(high)
	if err != nil || from <= to {
		return err
	}
	return fmt.Errorf("the %s %q ends before it begins; write %s-%d,%d-%s", c.name, shortened(span), low, c.to, c.from, high)
}

func (c *cronField) number(text string) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case err == nil && c.from <= n && n <= c.to:
		return n, nil
	case err == nil:
		return 0, fmt.Errorf("the %s cannot be %s; %s", c.name, shortened(text), c.advice())
	}
	if i := strings.Index(c.words, strings.ToLower(text)); len(text) == 3 && i >= 0 && i%3 == 0 {
		return c.from + i/3, nil
	}
	return 0, fmt.Errorf("%q is no %s; %s", shortened(text), c.name, c.advice())
}

func (c *cronField) advice() string {
	switch {
	case c.note != "" && c.words != "":
		return fmt.Sprintf("write %d to %d (%s), or sun, mon, tue, wed, thu, fri, sat", c.from, c.to, c.note)
	case c.words != "":
		return fmt.Sprintf("write %d to %d, or jan, feb, mar ...", c.from, c.to)
	case c.note != "":
		return fmt.Sprintf("write %d to %d (%s), or * for each", c.from, c.to, c.note)
	default:
		return fmt.Sprintf("write %d to %d, or * for each", c.from, c.to)
	}
}

// cronNicknames are those of crontab(5).
var cronNicknames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

var timeOfDay = regexp.MustCompile(`^([01]?[0-9]|2[0-3]):([0-5][0-9])$`)

// fieldsMissing says of an expression that has not five fields what was meant.
func fieldsMissing(expr string, fields []string) error {
	hint := "write five: " + fieldNames
	meant := ""
	switch m := timeOfDay.FindStringSubmatch(expr); {
	case m != nil:
		meant = fmt.Sprintf("%s %s * * *", short(m[2]), short(m[1]))
	case len(fields) == 4:
		meant = expr + " *"
	case len(fields) == 6 || len(fields) == 7:
		hint = "leave out the seconds; write five: " + fieldNames
		meant = strings.Join(fields[1:6], " ")
	}
	if meant != "" && cronFieldsRight(strings.Fields(meant)) {
		hint = fmt.Sprintf("%s, for example %q", hint, meant)
	}
	return errors.New(fmt.Sprintf("cron %q has %s", shortened(expr), counted(len(fields), "field")) + "; " + hint)
}

// short is a number of two digits without a 0 before it.
func short(n string) string { return strings.TrimPrefix(n[:len(n)-1], "0") + n[len(n)-1:] }

func cronFieldsRight(fields []string) bool {
	for i, f := range fields {
		if i >= len(cronFields) || cronFields[i].check(f) != nil {
			return false
		}
	}
	return len(fields) == len(cronFields)
}
