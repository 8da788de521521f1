package index

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/internal/store"
)

// Cache is how one app's fragments come into memory: from its store into the Hot that all apps share.
type Cache struct {
	store    *store.Store
	hot      *Hot
	onDamage func(error) error

	hits, misses atomic.Uint64
	seed         maphash.Seed
	loading      [64]sync.Mutex
}

// newCache returns a cache of fragments of a store. onDamage is told of each fragment
// that cannot be read and returns the error to answer with.
func newCache(s *store.Store, hot *Hot, onDamage func(error) error) *Cache {
	return &Cache{store: s, hot: hot, onDamage: onDamage, seed: maphash.MakeSeed()}
}

// lock returns the lock to hold while a fragment is read from the store.
func (c *Cache) lock(key fragKey) *sync.Mutex {
	return &c.loading[maphash.Comparable(c.seed, key)%uint64(len(c.loading))]
}

func (c *Cache) touch(u *use) {
	if c.hot.touch(u) {
		c.hits.Add(1)
	}
}

// reader returns a reader who is inside an epoch, and how to leave it.
func (c *Cache) reader() (leave func()) {
	r := c.hot.epochs.Reader()
	r.Enter()
	return func() {
		r.Leave()
		r.Close()
	}
}

// Reader returns a reader of the versions' fragments: what a Version's methods return may be read only inside the epoch that the reader
// was in when they were called.
func (v *Version) Reader() *memory.Reader { return v.cache.hot.epochs.Reader() }
