using Npgsql;

namespace Weir.Brokers.Postgres.Sessions;

/// <summary>
/// All connections of a node to one server: made together, and given up together when one of them fails, so that no state of one outlives
/// another.
/// </summary>
internal sealed class ServerConnections : IAsyncDisposable
{
    /// <summary>How many a node has.</summary>
    public const int Count = Reads + 5;

    /// <summary>The index of the one for publications with an offset.</summary>
    public const int Kept = 2;

    /// <summary>The index of the one for all other announcements.</summary>
    public const int Plain = 3;

    private const int Reads = 3;

    private readonly NpgsqlDataSource _source;
    private readonly List<NpgsqlConnection> _all;

    private ServerConnections(NpgsqlDataSource source, List<NpgsqlConnection> all, ServerIdentity identity)
    {
        _source = source;
        _all = all;
        Identity = identity;
        Reading = new ReadConnections(all[5..]);
    }

    /// <summary>For notifications only.</summary>
    public NpgsqlConnection Listening => _all[0];

    /// <summary>For announcements of other nodes.</summary>
    public NpgsqlConnection Announcements => _all[1];

    /// <summary>For housekeeping.</summary>
    public NpgsqlConnection Keeping => _all[4];

    /// <summary>For history and presence.</summary>
    public ReadConnections Reading { get; }

    /// <summary>The server that all of them lead to.</summary>
    public ServerIdentity Identity { get; }

    /// <summary>Makes all connections, after a check of the first.</summary>
    /// <param name="source">Opens connections.</param>
    /// <param name="schemaVersion">The version of the schema that this node needs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NpgsqlException">The server cannot be reached.</exception>
    /// <exception cref="ServerRefusedException">It cannot be used.</exception>
    public static async Task<ServerConnections> OpenAsync(NpgsqlDataSource source, int schemaVersion, CancellationToken cancellationToken)
    {
        List<NpgsqlConnection> all = [];
        try
        {
            all.Add(await ServerConnection.OpenAsync(source, cancellationToken).ConfigureAwait(false));
            ServerIdentity identity = await ServerIdentity.ReadAsync(all[0], cancellationToken).ConfigureAwait(false);
            identity.ThrowUnlessFit(schemaVersion);
            Task<NpgsqlConnection>[] others =
                [.. Enumerable.Range(1, Count - 1).Select(_ => ServerConnection.OpenAsync(source, cancellationToken))];
            await ((Task)Task.WhenAll(others)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            all.AddRange(others.Where(static other => other.IsCompletedSuccessfully).Select(static other => other.Result));
            await Task.WhenAll(others).ConfigureAwait(false); // throws what has failed
            foreach (NpgsqlConnection other in all.Skip(1))
            {
                await ThrowUnlessSameServerAsync(other, identity, cancellationToken).ConfigureAwait(false);
            }

            return new ServerConnections(source, all, identity);
        }
        catch
        {
            await DisposeAsync(all).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Gets a connection.</summary>
    public NpgsqlConnection this[int index] => _all[index];

    /// <summary>Makes a connection anew that was closed.</summary>
    /// <exception cref="Exception">It cannot be made, or leads to another server.</exception>
    public async Task ReplaceAsync(int index, CancellationToken cancellationToken)
    {
        await _all[index].DisposeAsync().ConfigureAwait(false);
        _all[index] = await ServerConnection.OpenAsync(_source, cancellationToken).ConfigureAwait(false);
        await ThrowUnlessSameServerAsync(_all[index], Identity, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => DisposeAsync(_all);

    private static async Task ThrowUnlessSameServerAsync(
        NpgsqlConnection connection, ServerIdentity identity, CancellationToken cancellationToken)
    {
        if (!identity.IsSameServer(await ServerIdentity.ReadAsync(connection, cancellationToken).ConfigureAwait(false)))
        {
            throw new InvalidOperationException("The address leads to two servers: a fail-over is under way.");
        }
    }

    private static async ValueTask DisposeAsync(List<NpgsqlConnection> connections)
    {
        foreach (NpgsqlConnection connection in connections)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }
}
