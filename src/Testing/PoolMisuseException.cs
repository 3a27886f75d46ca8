namespace Weir.Testing;

/// <summary>
/// A buffer was leaked, returned twice, used after its return, or written out of bounds.
/// </summary>
public sealed class PoolMisuseException(string message) : InvalidOperationException(message);
