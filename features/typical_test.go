package features

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/value"
)

// TestLogTable compares logarithms with those of the library, everywhere between two powers of two and at all sizes.
func TestLogTable(t *testing.T) {
	logs := newLogTable()
	worst := 0.0
	look := func(n uint64) {
		whole, least := math.Frexp(float64(n)) // which rounds n to 53 digits: less than 2^-53 of it
		want := math.Log2(whole) + float64(least)
		worst = max(worst, math.Abs(float64(logs.of(n))/(1<<tableBits)-want))
	}
	for i := range uint64(1 << 20) {
		look(1<<62 + i<<42)
		look(i + 1)
	}
	for i := range 64 {
		n := uint64(1) << i
		look(n)
		look(max(n-1, 1))
		look(n + 1)
		if logs.of(n)-logs.of(1) != int64(i)<<tableBits {
			t.Errorf("2^%d has the logarithm %v", i, float64(logs.of(n)-logs.of(1))/(1<<tableBits))
		}
	}
	look(math.MaxUint64)
	if worst > 1.0/(1<<30) {
		t.Errorf("a logarithm is wrong by 2^%.1f", math.Log2(worst))
	}
}

// TestLogSums compares sums with those of the library's logarithms, where numbers are large, small and of any scale, and finds the same in any order.
func TestLogSums(t *testing.T) {
	coefficients := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-100, 100), rapid.SampledFrom([]int64{0, math.MaxInt64, math.MinInt64, -math.MaxInt64}))
	logs := newLogTable()
	rapid.Check(t, func(t *rapid.T) {
		s, reversed := &logSums{logs: logs}, &logSums{logs: logs}
		const people = 3
		var want, n [people]float64
		type call struct {
			who   []uint16
			all   []int64
			scale uint8
		}
		var calls []call
		for range rapid.IntRange(0, 8).Draw(t, "calls") {
			c := call{all: rapid.SliceOfN(coefficients, 0, 6).Draw(t, "coefficients"), scale: rapid.Uint8Range(0, value.MaxScale).Draw(t, "scale")}
			for _, one := range c.all {
				x := rapid.Uint16Range(0, people-1).Draw(t, "who")
				c.who = append(c.who, x)
				number, _ := new(big.Rat).SetFrac(big.NewInt(one), new(big.Int).SetUint64(value.Pow10(int(c.scale)))).Float64()
				want[x] += math.Copysign(math.Log1p(math.Abs(number))/math.Ln2, number)
				n[x]++
			}
			calls = append(calls, c)
			s.add(c.who, c.all, c.scale)
		}
		for _, c := range slices.Backward(calls) {
			slices.Reverse(c.who)
			slices.Reverse(c.all)
			reversed.add(c.who, c.all, c.scale)
		}
		if s.of != reversed.of {
			t.Fatal("sums depend on the order")
		}
		for x := range want {
			got := float64(s.of[x].sum) / (1 << logBits)
			if math.Abs(got-want[x]) > 0.55/(1<<logBits)*n[x] || float64(s.of[x].n) != n[x] {
				t.Fatalf("the sum of %d is %v of %d, want %v of %v", x, got, s.of[x].n, want[x], n[x])
			}
		}
	})
}

// TestMostLogs has room for 2^32 of the largest numbers.
func TestMostLogs(t *testing.T) {
	for _, coefficient := range []int64{math.MaxInt64, math.MinInt64} {
		s := &logSums{logs: newLogTable()}
		s.add([]uint16{0}, []int64{coefficient}, 0)
		if size := math.Abs(float64(s.of[0].sum)); size < 62<<logBits || size*(1<<32) >= 1<<63 {
			t.Errorf("the logarithm of %d is %v", coefficient, s.of[0].sum)
		}
		var got [1]float32
		for _, around := range []float64{mostAround, -mostAround, 0} {
			if s.read(got[:], []uint16{0}, around); math.IsInf(float64(got[0]), 0) || got[0] != got[0] {
				t.Errorf("typical of %d around %v is %v", coefficient, around, got[0])
			}
		}
	}
}

// TestTypical gives known answers.
func TestTypical(t *testing.T) {
	for _, c := range []struct {
		all    []int64
		scale  uint8
		around float64
		want   float64
	}{
		{nil, 0, 6, math.NaN()},
		{[]int64{0}, 0, 0, 0},
		{[]int64{6}, 0, 6, 6},
		{[]int64{1, 1, 1}, 0, 7, 3},          // (3*3 + 3*1)/6 = 2
		{[]int64{-100, -100, -100}, 2, 7, 1}, // (3*3 - 3*1)/6 = 1
		{[]int64{-70, -70, -70}, 1, 1, -1},
		{[]int64{15, 15, 15, 15, 15, 15, 15, 15, 15}, 0, 0, 7}, // 9*4/12 = 3
		{[]int64{-25, -25}, 2, -0.25, -0.25},
	} {
		s := &logSums{logs: newLogTable()}
		s.add(make([]uint16, len(c.all)), c.all, c.scale)
		var got [1]float32
		s.read(got[:], []uint16{0}, c.around)
		if math.Abs(float64(got[0])-c.want) > 1e-6 || math.IsNaN(c.want) != (got[0] != got[0]) {
			t.Errorf("of %v / 10^%d around %v it is %v, want %v", c.all, c.scale, c.around, got[0], c.want)
		}
	}
}

func BenchmarkLogs(b *testing.B) {
	logs, numbers := newLogTable(), make([]uint64, 1<<12)
	for i := range numbers {
		numbers[i] = uint64(i*i)*7919 + 100
	}
	b.Run("table", func(b *testing.B) {
		sum := int64(0)
		for b.Loop() {
			for _, n := range numbers {
				sum += logs.of(n)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(numbers)), "ns/log")
		_ = sum
	})
	b.Run("library", func(b *testing.B) {
		sum := 0.0
		for b.Loop() {
			for _, n := range numbers {
				sum += math.Log2(float64(n))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(numbers)), "ns/log")
		_ = sum
	})
}
