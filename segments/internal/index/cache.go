package index

import (
	"sync"

	"whowhen.dev/whowhen/segments/internal/store"
)

// Cache bounds the memory of fragments that are in the store as well. What is
// only in memory is not its business; see App's dirty bytes.
//
// It is a clock: a hand goes around the fragments in memory and takes out those that
// nobody has used since it last came by.
type Cache struct {
	store       *store.Store
	budgetBytes int64
	onDamage    func(error) error

	mu        sync.Mutex
	ring      []cached
	hand      int
	usedBytes int64
}

type cached struct {
	frag  anyFrag
	bytes int
}

// NewCache returns a cache of fragments of a store. onDamage is told of each fragment
// that cannot be read and returns the error to answer with.
func NewCache(s *store.Store, budgetBytes int64, onDamage func(error) error) *Cache {
	return &Cache{store: s, budgetBytes: budgetBytes, onDamage: onDamage}
}

func (c *Cache) damaged(err error) error { return c.onDamage(err) }

// admit counts a fragment that has come into memory, and makes room for it.
func (c *Cache) admit(f anyFrag, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring = append(c.ring, cached{f, bytes})
	c.usedBytes += int64(bytes)
	// Each fragment is looked at twice at most: once to clear its mark, once to take it out.
	for looks := 2 * len(c.ring); c.usedBytes > c.budgetBytes && looks > 0 && len(c.ring) > 0; looks-- {
		c.hand %= len(c.ring)
		entry := c.ring[c.hand]
		if !entry.frag.evict() {
			c.hand++
			continue
		}
		c.usedBytes -= int64(entry.bytes)
		last := len(c.ring) - 1
		c.ring[c.hand], c.ring[last] = c.ring[last], cached{}
		c.ring = c.ring[:last]
	}
}

// Usage returns the bytes in use and the budget.
func (c *Cache) Usage() (usedBytes, budgetBytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.usedBytes, c.budgetBytes
}
