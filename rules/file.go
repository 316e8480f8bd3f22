package rules

// File is one rule file: its name as shown in findings, and its bytes.
type File struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}
