package main

import (
	"errors"
	"fmt"

	"github.com/feedwatch/feedwatch/watchdog/api"
)

// apiTokens reads the secrets of all tokens.
func (c *config) apiTokens() ([]api.Token, error) {
	var tokens []api.Token
	var errs []error
	for _, t := range c.Tokens {
		value, err := secretFrom("token", t.Secret.Env, t.Secret.File)
		if err != nil {
			errs = append(errs, fmt.Errorf("token %q: %w", t.Name, err))
			continue
		}
		roles := make([]api.Role, 0, len(t.Roles))
		for _, r := range t.Roles {
			roles = append(roles, api.Role(r))
		}
		token, err := api.NewToken(t.Name, value, roles, t.Feeds)
		errs = append(errs, err)
		tokens = append(tokens, token.Bounded(t.SeriesMax))
	}
	return tokens, errors.Join(errs...)
}
