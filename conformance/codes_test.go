package conformance_test

import (
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/topics"
)

type codeRow struct {
	Code      topics.Code
	HTTP      int
	Close     int
	Retry     topics.Retry
	Reconnect bool
	When      string
}

type closeRow struct {
	Close     int
	Sent      bool
	Reconnect bool
	Name      string
	When      string
}

type codes struct {
	About       string
	Codes       []codeRow
	Closes      []closeRow
	OtherCloses struct {
		Reconnect bool
		When      string
	} `json:"other_closes"`
}

func readCodes(t *testing.T) codes {
	t.Helper()
	var c codes
	if err := conformance.Read("protocol/codes.json", &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// The file and the table in package topics are the same table.
func TestCodes(t *testing.T) {
	table := topics.Codes()
	for _, row := range readCodes(t).Codes {
		want, known := table[row.Code]
		if got := (topics.Meaning{HTTP: row.HTTP, Close: row.Close, Retry: row.Retry, Reconnect: row.Reconnect}); !known || got != want {
			t.Errorf("%s is %+v in the file; want %+v", row.Code, got, want)
		}
		if row.When == "" {
			t.Errorf("%s does not say when it is used", row.Code)
		}
		delete(table, row.Code)
	}
	for code := range table {
		t.Errorf("%s is not in the file, or twice", code)
	}
}

// A close code means one thing: all codes that end a connection with it agree on
// whether to dial again, and so does the table of close codes.
func TestCloseCodes(t *testing.T) {
	all := readCodes(t)
	closes := make(map[int]closeRow)
	for _, row := range all.Closes {
		if _, twice := closes[row.Close]; twice || row.Name == "" || row.When == "" {
			t.Errorf("close code %d stands twice, or has no name or meaning", row.Close)
		}
		closes[row.Close] = row
	}
	for _, row := range all.Codes {
		if row.Close == 0 {
			continue
		}
		c, known := closes[row.Close]
		if !known || !c.Sent || c.Reconnect != row.Reconnect {
			t.Errorf("%s closes with %d, reconnect %t; the table of close codes has %+v", row.Code, row.Close, row.Reconnect, c)
		}
	}
}
