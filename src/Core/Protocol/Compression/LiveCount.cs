namespace Weir.Protocol.Compression;

/// <summary>
/// The number of allocated native states of one owner, wherever they are: idle, in use, or kept by a connection. Thread-safe;
/// finalizers count down too.
/// </summary>
internal sealed class LiveCount
{
    private int _value;

    public int Value => Volatile.Read(ref _value);

    public void Add() => Interlocked.Increment(ref _value);

    public void Subtract() => Interlocked.Decrement(ref _value);
}
