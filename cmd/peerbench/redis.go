package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"github.com/redis/go-redis/v9"

	"whowhen.dev/whowhen/segments/bench"
)

// redisEngine is Redis in a process of its own, with a bitmap for each tag and each event day.
type redisEngine struct {
	server *redisServer
	client *redis.Client
}

func (r *redisEngine) load(ctx context.Context, d bench.Dataset) (string, error) {
	var err error
	if r.server, err = startRedis(ctx); err != nil {
		return "", err
	}
	r.client = r.server.client()
	if err := r.server.await(ctx, r.client); err != nil {
		return "", err
	}
	info, err := r.client.Info(ctx, "server").Result()
	if err != nil {
		return "", err
	}
	_, version, _ := strings.Cut(info, "redis_version:")
	version, _, _ = strings.Cut(version, "\r\n")
	what := fmt.Sprintf("Redis %s, a process of its own on a unix socket, which computes in 1 thread; a bitmap for each tag and event day", version)
	for tag, t := range d.Tags() {
		if err := r.set(ctx, d, tagKey(t.Name), func(block int, words *[bench.BlockWords]uint64) { d.TagWords(tag, block, words) }); err != nil {
			return what, err
		}
	}
	for _, event := range askedEvents(d) {
		for day := range bench.Days {
			err := r.set(ctx, d, dayKey(d.Events()[event].Name, day), func(block int, words *[bench.BlockWords]uint64) {
				presence(d, event, day, block, words)
			})
			if err != nil {
				return what, err
			}
		}
	}
	return what, nil
}

// set sets a key to a bitmap in which GETBIT finds the bit of each ordinal: the highest bit of a byte comes first.
func (r *redisEngine) set(ctx context.Context, d bench.Dataset, key string, fill func(block int, words *[bench.BlockWords]uint64)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var words [bench.BlockWords]uint64
	bitmap := make([]byte, 0, d.Blocks()*bench.BlockOrdinals/8)
	for block := range d.Blocks() {
		fill(block, &words)
		for _, w := range words {
			bitmap = binary.BigEndian.AppendUint64(bitmap, bits.Reverse64(w))
		}
	}
	return r.client.Set(ctx, key, bitmap[:(d.CIDs+63)/64*8], 0).Err()
}

func tagKey(name string) string             { return "tag:" + name }
func dayKey(event string, index int) string { return fmt.Sprintf("event:%s:%02d", event, index) }

// count asks in one round trip.
func (r *redisEngine) count(ctx context.Context, q question) (uint64, error) {
	pipe := r.client.Pipeline()
	var found *redis.IntCmd
	if q.figure == figureDays {
		found = askDays(ctx, pipe, q.event)
	} else {
		found = askAnd5(ctx, pipe, q.tags)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, err
	}
	return found.Uint64()
}

// askAnd5 does what this version has commands for; there is no "and not" among them.
func askAnd5(ctx context.Context, pipe redis.Pipeliner, tags [5]string) *redis.IntCmd {
	const either, others, both = "either", "others", "both"
	pipe.BitOpOr(ctx, either, tagKey(tags[2]), tagKey(tags[3]))
	pipe.BitOpNot(ctx, others, tagKey(tags[4]))
	pipe.BitOpAnd(ctx, both, tagKey(tags[0]), tagKey(tags[1]), either, others)
	return pipe.BitCount(ctx, both, nil)
}

// askDays keeps those who have done it on at least one, two and three days so far, day by day. That is quicker here than
// adding up in a tree or in binary, which need more bitmaps at a time than a processor's cache holds.
func askDays(ctx context.Context, pipe redis.Pipeliner, event string) *redis.IntCmd {
	const once, twice, thrice, again = "once", "twice", "thrice", "again"
	first, second := dayKey(event, 0), dayKey(event, 1)
	pipe.BitOpOr(ctx, once, first, second)
	pipe.BitOpAnd(ctx, twice, first, second)
	for day := leastDays - 1; day < bench.Days; day++ {
		key := dayKey(event, day)
		if day == leastDays-1 {
			pipe.BitOpAnd(ctx, thrice, twice, key)
		} else {
			pipe.BitOpAnd(ctx, again, twice, key)
			pipe.BitOpOr(ctx, thrice, thrice, again)
		}
		if day == bench.Days-1 {
			break // nothing reads the others any more
		}
		pipe.BitOpAnd(ctx, again, once, key)
		pipe.BitOpOr(ctx, twice, twice, again)
		pipe.BitOpOr(ctx, once, once, key)
	}
	return pipe.BitCount(ctx, thrice, nil)
}

func (r *redisEngine) close() error {
	var err error
	if r.client != nil {
		err = r.client.Close()
	}
	if r.server != nil {
		err = errors.Join(err, r.server.stop())
	}
	return err
}
