package rows_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// read returns all rows of the text, joined by spaces, and the error that ended them.
func read(t *testing.T, r io.Reader, path string) (string, error) {
	t.Helper()
	reader, err := rows.New(r, path)
	if err != nil {
		return "", err
	}
	var all []string
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			if reader.Count() != len(all) {
				t.Errorf("Count is %d after %d rows", reader.Count(), len(all))
			}
			return strings.Join(all, " "), nil
		}
		if err != nil {
			return strings.Join(all, " "), err
		}
		all = append(all, string(row))
	}
}

func TestReader(t *testing.T) {
	for name, tc := range map[string]struct{ text, path, want, err string }{
		"nothing":                    {"", "", "", ""},
		"only space":                 {" \n\t\r\n", "", "", ""},
		"lines":                      {"{\"id\": 1}\n{\"id\": 2}\n", "", `{"id":1} {"id":2}`, ""},
		"lines without the last end": {"{\"id\":1}\r\n\n{\"id\":2}", "", `{"id":1} {"id":2}`, ""},
		"values over lines":          {"{\n \"id\": 1\n}\n{\n \"id\": 2\n}", "", `{"id":1} {"id":2}`, ""},
		"scalars":                    {"1 \"two\" null", "", `1 "two" null`, ""},
		"a byte order mark":          {"\ufeff{}", "", `{}`, ""},
		"array":                      {` [ {"id":1} , {"id":[2,{}]} ] `, "", `{"id":1} {"id":[2,{}]}`, ""},
		"empty array":                {`[]`, "", ``, ""},
		"brackets in strings":        {`[{"a":"]}\"\\"},"["]`, "", `{"a":"]}\"\\"} "["`, ""},
		"inside a member":            {`{"n":{"rows":[0]},"rows":[1,2],"x":{}}`, "rows", `1 2`, ""},
		"inside members":             {`{"a":{"x":"}","b":[1,2]},"c":[3]}`, "a.b", `1 2`, ""},
		"member with an escape":      {`{"r\u006fws":[1]}`, "rows", `1`, ""},

		"cut in a row":          {`[{"id":1},{"id"`, "", `{"id":1}`, "row 2: the file ends in the middle"},
		"cut between rows":      {`[{"id":1},`, "", `{"id":1}`, "row 2: the file ends in the middle"},
		"cut after the rows":    {`{"rows":[1]`, "rows", `1`, "row 2: the file ends in the middle"},
		"cut before the rows":   {`{"n":12`, "rows", ``, "row 1: the file ends in the middle"},
		"no such member":        {`{"a":[1]}`, "rows", ``, `there is no member "rows"`},
		"no object":             {`[1]`, "rows", ``, `--path rows: has '['`},
		"not an array":          {`{"rows":{}}`, "rows", ``, "not an array"},
		"commas between lines":  {"{},\n{}", "", `{}`, "row 2: JSON at byte 0"},
		"equal keys":            {`{"id":1} {"id":2,"id":3}`, "", `{"id":1}`, "row 2: JSON at byte 12, in id: has the same key twice"},
		"missing comma":         {`[1 2]`, "", `1`, `has '2' where ','`},
		"two arrays":            {`[1][2]`, "", `1`, `has '[' after the end of the rows`},
		"a bracket too many":    {`}`, "", ``, "row 1: JSON at byte 0"},
		"a row that is too big": {`"` + strings.Repeat("x", rows.MaxRowBytes) + `"`, "", ``, "row 1: is longer than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"at once": strings.NewReader(tc.text), "byte by byte": iotest.OneByteReader(strings.NewReader(tc.text)),
				"zipped": bytes.NewReader(zip(t, tc.text)),
			} {
				got, err := read(t, r, tc.path)
				if got != tc.want {
					t.Errorf("%s: got %s, want %s", how, got, tc.want)
				}
				if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
					t.Errorf("%s: got error %v, want %q", how, err, tc.err)
				}
			}
		})
	}
}

func TestReaderEarthquakes(t *testing.T) {
	reader, err := rows.New(testdata.Open(t, testdata.Earthquakes), "features")
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		id, err := rows.ID(row, "id")
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	if reader.Count() != 1707 || len(ids) != 1707 {
		t.Errorf("got %d rows with %d ids, want 1707", reader.Count(), len(ids))
	}
}

// A long file takes no more memory than a short one (P9).
func TestReaderMemory(t *testing.T) {
	const size = 32 << 20
	reader, err := rows.New(io.LimitReader(&endless{row: []byte(`{"id":"x","filler":"` + strings.Repeat("y", 400) + "\"}\n")}, size), "")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for err == nil {
		_, err = reader.Next()
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > size/4 {
		t.Errorf("reading %d MiB allocated %d bytes", size>>20, allocated)
	}
}

type endless struct {
	row []byte
	at  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.row[e.at:])
	e.at = (e.at + n) % len(e.row)
	return n, nil
}

func TestID(t *testing.T) {
	for _, tc := range []struct{ row, path, want, err string }{
		{`{"id":"a b"}`, "id", "a b", ""},
		{`{"id":17}`, "id", "17", ""},
		{`{"properties":{"code":"x"}}`, "properties.code", "x", ""},
		{`{"ID":"a"}`, "id", "", `no member "id"`},
		{`{"features":[]}`, "id", "", "name it with --path"},
		{`{"id":null}`, "id", "", "is null; an id is a string or a number"},
		{`{"id":{"a":1}}`, "id", "", "an id is a string or a number"},
		{`[1]`, "id", "", "no object"},
		{`{"a":"b"}`, "a.b", "", "no object"},
	} {
		got, err := rows.ID([]byte(tc.row), tc.path)
		if got != tc.want || (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("ID(%s, %s) = %q, %v; want %q, %q", tc.row, tc.path, got, err, tc.want, tc.err)
		}
	}
}

// Values counts what a generator of random texts has put in.
func TestValues(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 500 {
		text, count := value(random, 4)
		if got := rows.Values([]byte(text)); got != count {
			t.Fatalf("Values(%s) = %d, want %d", text, got, count)
		}
	}
}

func value(random *rand.Rand, depth int) (string, int) {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch random.IntN(kinds) {
	case 0:
		return "true", 1
	case 1:
		return "-1.5e3", 1
	case 2:
		return `"a\"b:[{,"`, 1
	case 3:
		return `""`, 1
	}
	count, members, object := 1, []string{}, random.IntN(2) == 0
	for i := range random.IntN(4) {
		text, n := value(random, depth-1)
		count += n
		if object {
			text = strconv.Quote("k:"+strconv.Itoa(i)) + ":" + text
		}
		members = append(members, text)
	}
	if object {
		return "{" + strings.Join(members, ",") + "}", count
	}
	return "[" + strings.Join(members, ",") + "]", count
}

func zip(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{`[1,{"a":[]}]`, "{}\n{}", `{"rows":[1],"x":0}`, `"\u0041"`, "\x1f\x8b\x08"} {
		f.Add(seed, "rows")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		reader, err := rows.New(strings.NewReader(text), path)
		if err != nil {
			return
		}
		for range len(text) + 2 {
			if _, err := reader.Next(); err != nil {
				return
			}
		}
		t.Fatalf("more rows than bytes in %q", text)
	})
}
