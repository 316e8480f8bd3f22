package notifiers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// ClassOf is what an HTTP status means for the next attempt. ok is true for 2xx.
func ClassOf(status int) (class delivery.Class, ok bool) {
	switch {
	case status >= 200 && status < 300:
		return 0, true
	case status == http.StatusTooManyRequests:
		return delivery.RateLimited, false
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusMisdirectedRequest,
		status == http.StatusTooEarly, status >= 500, status < 200:
		return delivery.Ambiguous, false
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge, status == http.StatusRequestURITooLong,
		status == http.StatusUnsupportedMediaType, status == http.StatusUnprocessableEntity, status == http.StatusRequestHeaderFieldsTooLarge:
		return delivery.BadPayload, false
	default: // 3xx, 401, 403, 404, 407, 410 and the rest: the configuration is wrong, or the way is
		return delivery.Refused, false
	}
}

// Failure is what went wrong with the exchange by itself, before anybody looks
// into the answer; nil for a whole answer with a 2xx status. what names the
// call in errors ("PagerDuty trigger"); r keeps secrets out of them.
func (x *Exchange) Failure(what string, r Redactor) *delivery.Error {
	switch {
	case !x.started:
		return &delivery.Error{Class: delivery.NotSent, Err: NewFailure(r, what+": no request was made", nil)}
	case x.err != nil && !x.sent:
		return &delivery.Error{Class: delivery.NotSent, Err: NewFailure(r, what+": not sent: "+causeText(x.err), x.err)}
	case x.err != nil && x.Status == http.StatusTooManyRequests: // the status was heard, whatever became of the body
		return x.answered(what, delivery.RateLimited, "", r)
	case x.err != nil && errors.Is(x.err, context.Canceled):
		return &delivery.Error{Class: delivery.Ambiguous, Err: NewFailure(r, what+": interrupted before the answer", x.err)}
	case x.timedOut():
		return &delivery.Error{Class: delivery.Ambiguous, Err: NewFailure(r, what+": no answer in time", x.err)}
	case x.err != nil:
		return &delivery.Error{Class: delivery.Ambiguous, Err: NewFailure(r, what+": no whole answer: "+causeText(x.err), x.err)}
	}
	class, ok := ClassOf(x.Status)
	if ok {
		return nil
	}
	return x.answered(what, class, x.excerpt(), r)
}

// Reject is an error about a whole answer that the adapter has looked into.
func (x *Exchange) Reject(what string, class delivery.Class, why string, r Redactor) *delivery.Error {
	return &delivery.Error{Class: class, RetryAfter: x.retryAfter(class), Err: NewFailure(r, what+": "+why, nil)}
}

func (x *Exchange) answered(what string, class delivery.Class, excerpt string, r Redactor) *delivery.Error {
	why := fmt.Sprintf("HTTP %d", x.Status)
	if text := http.StatusText(x.Status); text != "" {
		why += " " + text
	}
	if x.Status >= 300 && x.Status < 400 {
		why += " to " + RedactedURL(x.Header.Get("Location")) + ", not followed; is the API URL right, or does a proxy answer?"
	}
	if excerpt != "" {
		why += ": " + excerpt
	}
	return x.Reject(what, class, why, r)
}

// retryAfter is the wait that a 429 asks for, in seconds or as a date; 0 where
// it does not say.
func (x *Exchange) retryAfter(class delivery.Class) time.Duration {
	if class != delivery.RateLimited {
		return 0
	}
	v := strings.TrimSpace(x.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(v, 64); err == nil && seconds >= 0 && seconds < retryAfterMax.Seconds() {
		return time.Duration(seconds * float64(time.Second))
	} else if err == nil && seconds > 0 {
		return retryAfterMax
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	from := time.Now()
	if date, err := http.ParseTime(x.Header.Get("Date")); err == nil {
		from = date // their clock, so that ours does not matter
	}
	return min(max(0, at.Sub(from)), retryAfterMax)
}

// retryAfterMax is far above what delivery waits, and keeps a nonsense from overflowing.
const retryAfterMax = 24 * time.Hour

const excerptBytesMax = 300

// excerpt is the beginning of an answer, for people; nothing of an HTML page.
func (x *Exchange) excerpt() string {
	if x.LooksHTML() {
		return "(an HTML page)"
	}
	body := x.Body[:min(len(x.Body), 4*excerptBytesMax)]
	return Clean(strings.TrimSpace(string(body)), excerptBytesMax)
}

// LooksHTML says that the answer is a page for people: a proxy or a login
// answered, not the API.
func (x *Exchange) LooksHTML() bool {
	return strings.Contains(x.Header.Get("Content-Type"), "text/html") || strings.HasPrefix(strings.TrimSpace(string(x.Body[:min(len(x.Body), 64)])), "<")
}
