package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/load"
	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
)

const importText = `Write the rows of FILE into a topic; - is standard input. The rows are lines of JSON
(NDJSON), a JSON array, or with --path an array inside an object, such as the features of a
GeoJSON FeatureCollection. Gzip is recognized.

--id names the member that holds a row's id. Members inside members are named with dots.

Rows that are already as they are in the file make no event, so an import that was cut off
is simply run again.`

const importExample = `  lockstep import quakes:week all_week.geojson --id id --path features
  zcat rows.ndjson.gz | lockstep import stock:main - --id sku`

func newImport(c *console) *cobra.Command {
	i := importing{connection: connection{console: c}}
	cmd := &cobra.Command{
		Use: "import TOPIC FILE --id FIELD", Short: "Write the rows of a file into a topic", Long: importText, Example: importExample,
		Args: args(2, 2, "TOPIC and FILE"), RunE: does(i.run),
	}
	i.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&i.id, "id", "", "the member that holds a row's id")
	f.StringVar(&i.path, "path", "", "the member that holds the rows (default: the rows are the file)")
	f.StringVar(&i.event, "event", "", "the event's name (default ADDED or UPDATED)")
	f.BoolVar(&i.asJSON, "json", false, "print the result as JSON")
	return cmd
}

// importing writes a file into a topic.
type importing struct {
	connection
	id, path, event string
	asJSON          bool
}

func (i *importing) run(cmd *cobra.Command, args []string) error {
	name, err := topicOf(args[0])
	if err != nil {
		return err
	}
	if i.id == "" {
		return usagef("--id is missing: name the member that holds a row's id, such as --id id")
	}
	file, size, err := i.open(args[1])
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it is only read from
	client, err := i.client()
	if err != nil {
		return err
	}
	defer client.Close()
	work, err := load.New(load.Options{Client: client, Topic: name, ID: i.id, Event: i.event})
	if err != nil {
		return usage(err)
	}
	meter := &meter{r: file}
	reader, err := rows.New(meter, i.path)
	if err != nil {
		return usage(err)
	}
	bar := startProgress(i.console.err, func() string { return progressText(meter.bytes.Load(), size, work.Read()) })
	result, err := work.Run(cmd.Context(), reader)
	bar.stop()
	if err != nil {
		return blame(err)
	}
	return i.report(result)
}

// open opens the file and says how long it is, 0 where that is not known.
func (i *importing) open(path string) (io.ReadCloser, int64, error) {
	if path == "-" {
		return io.NopCloser(i.console.in), 0, nil
	}
	file, err := os.Open(path) //nolint:gosec // the user's own file
	if err != nil {
		return nil, 0, usage(err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, 0, usage(errors.Join(err, file.Close()))
	case info.IsDir():
		return nil, 0, errors.Join(usagef("%s is a directory; name a file, or - for standard input", path), file.Close())
	case !info.Mode().IsRegular():
		return file, 0, nil
	}
	return file, info.Size(), nil
}

// blame tells what the file has wrong from what the server refused.
func blame(err error) error {
	var refusal *remote.Refusal
	var gone *remote.Unreachable
	var bad *rows.Error
	if errors.As(err, &bad) && !errors.As(err, &refusal) && !errors.As(err, &gone) {
		return usage(err)
	}
	return err
}

func (i *importing) report(r load.Result) error {
	if i.asJSON {
		return json.NewEncoder(i.console.out).Encode(r)
	}
	changes := fmt.Sprintf("%d added, %d changed", r.Added, r.Changed)
	if i.event != "" {
		changes = fmt.Sprintf("%d added or changed", r.Changed)
	}
	_, err := fmt.Fprintf(i.console.out, "%d rows read: %s, %d unchanged, in %.1f s\n", r.Rows, changes, r.Unchanged, r.Seconds)
	return err
}
