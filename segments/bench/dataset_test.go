package bench

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"testing"
)

func dataset(cids int) Dataset { return Dataset{CIDs: cids, Seed: 7, LastDay: 20_700} }

// TestTags holds densities against what is made, and the edges of the last block.
func TestTags(t *testing.T) {
	d := dataset(5*BlockOrdinals + 77)
	tags := d.Tags()
	if len(tags) != 40 {
		t.Fatalf("%d tags", len(tags))
	}
	names, densities := map[string]bool{}, map[float64]int{}
	for i, tag := range tags {
		if names[tag.Name] {
			t.Errorf("two tags %s", tag.Name)
		}
		names[tag.Name] = true
		densities[tag.Density]++
		if i < 5 && (tag.Name != string(rune('a'+i)) || tag.Density != expressionDensities()[i]) || i < 5*Variants && tag.Density != expressionDensities()[i%5] {
			t.Errorf("tag %d is %+v", i, tag)
		}
		n, runs := 0, 0
		var words, again [BlockWords]uint64
		for block := range d.Blocks() {
			d.TagWords(i, block, &words)
			last := uint64(0)
			for _, w := range words {
				n += bits.OnesCount64(w)
				runs += bits.OnesCount64(w &^ (w<<1 | last))
				last = w >> 63
			}
		}
		d.TagWords(i, d.Blocks()-1, &again)
		if again != words {
			t.Errorf("%s: a block came out differently the second time", tag.Name)
		}
		if words[77>>6]>>(77&63) != 0 || slices.Max(words[2:]) != 0 {
			t.Errorf("%s: somebody at or beyond %d", tag.Name, d.CIDs)
		}
		spread := 5 * math.Sqrt(float64(d.CIDs)*tag.Density)
		if tag.Clustered {
			spread *= math.Sqrt(2 * meanRun)
		}
		if want := tag.Density * float64(d.CIDs); math.Abs(float64(n)-want) > spread {
			t.Errorf("%s: %d bear it, want about %.0f", tag.Name, n, want)
		}
		if tag.Clustered && runs > 1+n/200 {
			t.Errorf("%s: %d in %d runs is not clustered", tag.Name, n, runs)
		}
	}
	for _, density := range expressionDensities() {
		if densities[density] < Variants {
			t.Errorf("%d tags of density %v", densities[density], density)
		}
	}
}

func TestCIDs(t *testing.T) {
	d := dataset(100_000)
	seen := map[[16]byte]bool{}
	for ordinal := range uint32(100_000) {
		seen[d.CID(ordinal)] = true
	}
	if len(seen) != 100_000 {
		t.Errorf("%d CIDs of 100,000 are distinct", len(seen))
	}
	if other := (Dataset{CIDs: 1, Seed: 8}); other.CID(0) == d.CID(0) {
		t.Error("two seeds gave one CID")
	}
}

func TestHappened(t *testing.T) {
	d := dataset(3*BlockOrdinals - 1000)
	categories := make([]int, len(d.Categories()))
	days := map[string]bool{}
	for i, e := range d.Events() {
		who, n := 0, 0
		for _, day := range []int{0, 29} {
			for block := range d.Blocks() {
				rows := d.Happened(i, day, block)
				if !reflect.DeepEqual(rows, d.Happened(i, day, block)) {
					t.Fatal("a block came out differently the second time")
				}
				for k, ordinal := range rows.Ordinals {
					again := k > 0 && rows.Ordinals[k-1] == ordinal
					if again && (!e.Several || rows.Millis[k-1] > rows.Millis[k]) || k > 0 && rows.Ordinals[k-1] > ordinal {
						t.Fatalf("%s: row %d is out of order", e.Name, k)
					}
					if int(ordinal)/BlockOrdinals != block || int(ordinal) >= d.CIDs {
						t.Fatalf("%s: ordinal %d in block %d", e.Name, ordinal, block)
					}
					if at := rows.Millis[k] / dayMillis; int32(at) != d.Day(day) || rows.Millis[k] <= d.HeardMillis() {
						t.Fatalf("%s: day %d, want %d", e.Name, at, d.Day(day))
					}
					if !again {
						who++
					}
					n++
					categories[rows.Category[k]]++
				}
				if len(rows.Millis) != len(rows.Ordinals) || len(rows.Cents) != len(rows.Ordinals) || len(rows.Category) != len(rows.Ordinals) {
					t.Fatalf("%s: columns of different lengths", e.Name)
				}
			}
		}
		want := 2 * float64(d.CIDs) * e.Rate
		if math.Abs(float64(who)-want) > 5*math.Sqrt(want) {
			t.Errorf("%s: %d CID days, want about %.0f", e.Name, who, want)
		}
		if e.Several != (n > who) {
			t.Errorf("%s: %d events of %d CID days", e.Name, n, who)
		}
		days[fmt.Sprint(e.Rate, e.Several)] = true
	}
	if !days["0.03 true"] || !days["0.03 false"] {
		t.Errorf("kinds of events: %v", days)
	}
	if !slices.IsSortedFunc(categories[:8], func(a, b int) int { return b - a }) || slices.Min(categories) == 0 {
		t.Errorf("categories: %v", categories)
	}
}

func TestNumbers(t *testing.T) {
	d := dataset(2*BlockOrdinals + 5)
	values := make([]int64, BlockOrdinals)
	for i, n := range d.Numbers() {
		var present [BlockWords]uint64
		have, greatest := 0, int64(0)
		for block := range d.Blocks() {
			d.Values(i, block, values, &present)
			for k, v := range values {
				has := present[k>>6]>>(k&63)&1 == 1
				if has {
					have++
				}
				if v < 0 || v>>n.Bits != 0 || !has && v != 0 || has && block*BlockOrdinals+k >= d.CIDs {
					t.Fatalf("%s: ordinal %d has %d (%v)", n.Name, block*BlockOrdinals+k, v, has)
				}
				greatest = max(greatest, v)
			}
		}
		if want := (1 - n.Missing) * float64(d.CIDs); math.Abs(float64(have)-want) > 5*math.Sqrt(want) {
			t.Errorf("%s: %d have it, want about %.0f", n.Name, have, want)
		}
		if greatest>>(n.Bits-1) == 0 {
			t.Errorf("%s: the greatest is %d", n.Name, greatest)
		}
	}
}

func BenchmarkTagWords(b *testing.B) {
	var words [BlockWords]uint64
	for i := range b.N {
		dataset(10_000_000).TagWords(i%40, i/40%150, &words)
	}
}

func BenchmarkHappened(b *testing.B) {
	n := 0
	for i := range b.N {
		n += len(dataset(10_000_000).Happened(i%5, i%Days, i/5%150).Ordinals)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
}

func BenchmarkValues(b *testing.B) {
	values := make([]int64, BlockOrdinals)
	var present [BlockWords]uint64
	for i := range b.N {
		dataset(10_000_000).Values(i%4, i%150, values, &present)
	}
}
