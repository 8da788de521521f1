package logistic

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// large has a million rows of a hundred correlated columns, standardised, of which all have some weight.
func large() *Problem {
	const rows, dense = 1_000_000, 100
	r := rand.New(rand.NewPCG(7, 7))
	p := &Problem{Design: &Design{Rows: rows, Dense: dense, X: make([]float32, rows*dense)}, Penalty: 1, MaxIterations: 300}
	for row := range rows {
		common, sum := r.NormFloat64(), -1.0
		for j, x := 0, p.Design.dense(row); j < dense; j++ {
			x[j] = float32(0.6*common + 0.8*r.NormFloat64())
			sum += float64(x[j]) * 0.15 * math.Sin(float64(j))
		}
		p.Label = append(p.Label, r.Float64() < 1/(1+math.Exp(-sum)))
	}
	return p
}

// BenchmarkMinimise is the fit alone: no transforms and no standard errors. To compare it with scikit-learn on the
// same numbers, have it write them, and then run testdata/fit_speed.py of package models:
//
//	FIT_SPEED_DATA=/tmp/fit_speed go test ./models/internal/logistic -run - -bench Minimise -benchtime 3x
//	OPENBLAS_NUM_THREADS=2 python3 models/testdata/fit_speed.py /tmp/fit_speed
func BenchmarkMinimise(b *testing.B) {
	p := large()
	if path := os.Getenv("FIT_SPEED_DATA"); path != "" {
		if err := p.write(path); err != nil {
			b.Fatal(err)
		}
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			p.Workers = workers
			loss := 0.0
			for b.Loop() {
				m, err := Minimise(context.Background(), p, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(m.Iterations), "iterations")
				loss = m.Loss
			}
			b.Logf("log loss %.10f", loss)
		})
	}
}

// write writes rows, dense columns, labels and X, little-endian.
func (p *Problem) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, part := range []any{int64(p.Design.Rows), int64(p.Design.Dense), p.Label, p.Design.X} {
		if err := binary.Write(w, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
