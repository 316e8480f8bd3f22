package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/feedwatch/feedwatch/watchdog/sources"
)

// failure says what went wrong with a query, for people.
func failure(ctx context.Context, address *url.URL, timeout time.Duration, name string, err error) error {
	where := sources.ShowURL(address)
	var answered *v1.Error
	if !errors.As(err, &answered) {
		return sources.Unreachable(ctx, address, err)
	}
	answered = unpack(answered)
	switch answered.Type {
	case v1.ErrBadData:
		return fmt.Errorf("%s does not understand %s: %s", where, name, answered.Msg)
	case v1.ErrTimeout, v1.ErrCanceled:
		return fmt.Errorf("%s gave up on %s: %s; is it overloaded, or the timeout of %v too short?", where, name, answered.Msg, timeout)
	case v1.ErrClient:
		return fmt.Errorf("%s refused %s: %s; are url and credentials right?", where, name, answered.Msg)
	case v1.ErrBadResponse:
		return fmt.Errorf("%s did not answer as Prometheus does: %s; is url right?", where, answered.Msg)
	default:
		return fmt.Errorf("%s could not run %s: %s", where, name, answered.Msg)
	}
}

// unpack finds Prometheus' own words in an answer that the client library keeps
// as a mere status: a 503 says that a query timed out, and the body says so.
func unpack(answered *v1.Error) *v1.Error {
	var said struct {
		Type v1.ErrorType `json:"errorType"`
		Text string       `json:"error"`
	}
	if json.Unmarshal([]byte(answered.Detail), &said) != nil || said.Type == "" {
		return answered
	}
	return &v1.Error{Type: said.Type, Msg: said.Text}
}
