package logistic

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// lowerRoot is L with L L' = a, with as much added to the diagonal of a as that needs.
func lowerRoot(a *mat.SymDense) *mat.TriDense {
	n := a.SymmetricDim()
	trace := 0.0
	for i := range n {
		trace += a.At(i, i)
	}
	var chol mat.Cholesky
	a = copyOf(a)
	root := mat.NewTriDense(n, mat.Lower, nil)
	for ridge := 1e-10 * (trace/float64(n) + 1e-300); ridge < math.MaxFloat32; ridge *= 10 {
		if chol.Factorize(a) && chol.Cond() < 1e15 {
			chol.LTo(root)
			return root
		}
		for i := range n {
			a.SetSym(i, i, a.At(i, i)+ridge)
		}
	}
	for i := range n {
		root.SetTri(i, i, 1)
	}
	return root
}

func copyOf(a *mat.SymDense) *mat.SymDense {
	c := mat.NewSymDense(a.SymmetricDim(), nil)
	c.CopySym(a)
	return c
}

// forward and backward solve L y = v and L' y = v in place.
func forward(l *mat.TriDense, v []float64) {
	raw := l.RawTriangular()
	for i := range v {
		row := raw.Data[i*raw.Stride : i*raw.Stride+i]
		v[i] = (v[i] - floats.Dot(row, v[:i])) / raw.Data[i*raw.Stride+i]
	}
}

func backward(l *mat.TriDense, v []float64) {
	raw := l.RawTriangular()
	for i := len(v) - 1; i >= 0; i-- {
		v[i] /= raw.Data[i*raw.Stride+i]
		floats.AddScaled(v[:i], -v[i], raw.Data[i*raw.Stride:i*raw.Stride+i])
	}
}
