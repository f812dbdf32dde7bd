package badger

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// badgerLog passes Badger's messages on and listens to them: Badger leaves out a
// table whose checksum is wrong and says so nowhere but in its log.
type badgerLog struct {
	log *slog.Logger

	mu      sync.Mutex
	ignored []string // tables that Badger left out
}

const ignoringTable = "Ignoring table "

// Errorf is an error of Badger's, and perhaps a table left out.
func (b *badgerLog) Errorf(format string, args ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, args...))
	if _, table, ok := strings.Cut(text, ignoringTable); ok {
		b.mu.Lock()
		b.ignored = append(b.ignored, table)
		b.mu.Unlock()
	}
	b.log.Error("badger reports an error", "said", text)
}

// Warningf is a warning of Badger's.
func (b *badgerLog) Warningf(format string, args ...any) { b.say(slog.LevelWarn, format, args) }

// Infof is chatter: it is logged for debugging only.
func (b *badgerLog) Infof(format string, args ...any) { b.say(slog.LevelDebug, format, args) }

// Debugf is dropped: Badger says it for every write.
func (b *badgerLog) Debugf(string, ...any) {}

func (b *badgerLog) say(level slog.Level, format string, args []any) {
	b.log.Log(context.Background(), level, "badger says", "said", strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// leftOut are the tables that Badger left out so far.
func (b *badgerLog) leftOut() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ignored
}
