package main

import (
	"crypto/x509"
	"fmt"
	"os"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/email"
)

// emailConfig is a list of people, and the mail server that reaches them.
type emailConfig struct {
	Name         string   `yaml:"name"`
	Server       string   `yaml:"server"`
	TLS          string   `yaml:"tls"`
	CAFile       string   `yaml:"ca_file"`
	Hello        string   `yaml:"hello"`
	Username     string   `yaml:"username"`
	PasswordEnv  string   `yaml:"password_env"`
	PasswordFile string   `yaml:"password_file"`
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`
}

func (e *emailConfig) notifier(pageURL string) (*email.Notifier, error) {
	private, err := email.ParseTLS(e.TLS)
	if err != nil {
		return nil, err
	}
	password := ""
	if e.Username != "" || e.PasswordEnv != "" || e.PasswordFile != "" {
		if password, err = secretFrom("password", e.PasswordEnv, e.PasswordFile); err != nil {
			return nil, err
		}
	}
	roots, err := rootsFrom(e.CAFile)
	if err != nil {
		return nil, err
	}
	return email.New(email.Config{
		Server: e.Server, TLS: private, RootCAs: roots, Hello: e.Hello,
		Username: e.Username, Password: notifiers.NewSecret(password), From: e.From, To: e.To, PageURL: pageURL,
	})
}

// rootsFrom reads whom to believe besides the system's authorities; nil for those
// alone.
func rootsFrom(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // as crypto/tls takes it
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM", file)
	}
	return roots, nil
}
