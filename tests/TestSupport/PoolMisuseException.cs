namespace Weir.TestSupport;

/// <summary>
/// A buffer was leaked, returned twice, used after its return, or written where it should not have been.
/// </summary>
public sealed class PoolMisuseException(string message) : InvalidOperationException(message);
