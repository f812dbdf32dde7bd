package load

import "context"

// window holds the batches that are unanswered, the oldest first.
type window struct{ sent []sent }

type sent struct {
	batch *batch
	done  chan struct{} // closed by the sender when the batch is answered
}

// admit waits until another batch may be sent: fewer than inFlight are unanswered,
// and none of them has a row with an id of this one's.
func (w *window) admit(ctx context.Context, b *batch) error {
	for len(w.sent) > 0 && (len(w.sent) == inFlight || w.meets(b)) {
		select {
		case <-w.sent[0].done:
			w.sent = w.sent[1:]
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func (w *window) meets(b *batch) bool {
	for _, s := range w.sent {
		if s.batch.meets(b) {
			return true
		}
	}
	return false
}

// enter adds a batch. Who sends it closes the channel.
func (w *window) enter(b *batch) chan<- struct{} {
	done := make(chan struct{})
	w.sent = append(w.sent, sent{b, done})
	return done
}
