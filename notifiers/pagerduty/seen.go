package pagerduty

import "context"

// SeenBack says that the service shows an incident under a dedup key, whatever has
// become of it since.
func (r *Reader) SeenBack(ctx context.Context, key, _ string) (bool, error) {
	s, err := r.newest(ctx, key)
	return s != nil, err
}
