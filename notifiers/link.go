package notifiers

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
)

// IncidentURL is where the page shows the incident; "" without a page.
func IncidentURL(page string, inc *watchdog.Incident) string {
	if page == "" {
		return ""
	}
	return strings.TrimRight(page, "/") + "/incidents/" + url.PathEscape(inc.ID)
}

// linkBytesMax is Slack's limit on the URL of a button.
const linkBytesMax = 3000

// SafeLink is raw if it is an absolute http or https URL that can be shown as a
// link, otherwise "".
func SafeLink(raw string) string {
	if len(raw) > linkBytesMax {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

// CheckURL says what is wrong with a URL of the configuration, or nil. It never
// quotes the URL: webhook URLs hold their secret.
func CheckURL(what, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fmt.Errorf("%s does not parse as a URL", what)
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%s must begin with https:// or http://", what)
	case u.Host == "":
		return fmt.Errorf("%s names no host", what)
	case u.Fragment != "":
		return fmt.Errorf("%s has a fragment (#...), which is never sent; remove it", what)
	}
	return nil
}

// CheckPageURL is CheckURL of the address of feedwatch's page, which may be none.
func CheckPageURL(raw string) error {
	if raw == "" {
		return nil
	}
	return CheckURL("the page's URL", raw)
}
