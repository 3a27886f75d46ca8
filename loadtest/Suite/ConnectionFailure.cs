namespace Weir.LoadTest.Suite;

/// <summary>A connection that was refused, or ended.</summary>
/// <param name="code">HTTP status or close code; for counting.</param>
internal sealed class ConnectionFailure(string code, string message) : IOException(message)
{
    public string Code => code;
}
