namespace Weir.Compression;

/// <summary>
/// How many native states of one owner are allocated, wherever they are: idle, at work, or kept by a connection.
/// Thread-safe; finalizers count down too.
/// </summary>
internal sealed class LiveCount
{
    private int _value;

    public int Value => Volatile.Read(ref _value);

    public void Add() => Interlocked.Increment(ref _value);

    public void Subtract() => Interlocked.Decrement(ref _value);
}
