using System.Text;
using Microsoft.Extensions.Logging;
using Weir.Auth.Diagnostics;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;

namespace Weir.Auth;

/// <summary>
/// The current keys: loaded at the start, at an interval, and when a token names a missing one. After a failure the current keys
/// stay in use. Thread-safe.
/// </summary>
internal sealed class KeyRing : IDisposable
{
    /// <summary>The shortest interval between loads that tokens with made-up key ids can cause.</summary>
    internal static readonly TimeSpan LeastInterval = TimeSpan.FromSeconds(10);

    // The maximum number of left-out members that are logged one by one.
    private const int MostNamed = 32;

    // The longest time of a .NET timer.
    private static readonly TimeSpan _longestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly Lock _gate = new();
    private readonly JwtOptions _options;
    private readonly IReadOnlyList<JwtAlgorithm> _algorithms;
    private readonly IReadOnlyList<KeySource> _sources;
    private readonly string?[] _texts;
    private readonly IReadOnlyList<LeftOutKey>[] _leftOut;
    private readonly IReadOnlyList<VerificationKey>[] _loaded;
    private readonly VerificationKey[] _secrets;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly CancellationTokenSource _stopping = new();
    private Task _loading = Task.CompletedTask;
    private ITimer? _timer;
    private long _lastBegan;
    private TimeSpan _untilNext;
    private volatile KeySet _current;
    private volatile bool _isComplete;

    public KeyRing(JwtOptions options, ILogger logger, TimeProvider time, HttpClient? http = null)
    {
        _options = options;
        _logger = logger;
        _time = time;
        _http = http ?? KeySource.NewClient();
        _algorithms = options.AlgorithmsTaken();
        _sources = KeySource.Of(options.PublicKeyFile, options.Jwks);
        _texts = new string?[_sources.Count];
        _leftOut = [.. _sources.Select(static _ => (IReadOnlyList<LeftOutKey>)[])];
        _loaded = [.. _sources.Select(static _ => (IReadOnlyList<VerificationKey>)[])];
        _secrets = options.Secret.Length > 0 ? [VerificationKey.OfSecret(Encoding.UTF8.GetBytes(options.Secret), _algorithms)] : [];
        _current = new KeySet(_secrets, options.CacheSize);
        _isComplete = _sources.Count == 0;
    }

    /// <summary>Gets the current keys.</summary>
    public KeySet Current => _current;

    /// <summary>Whether every source has been read once: before that, a missing key does not make a token invalid.</summary>
    public bool IsComplete => _isComplete;

    /// <summary>Starts to load the keys periodically, without waiting for it.</summary>
    public void Start()
    {
        if (_sources.Count > 0)
        {
            _timer = _time.CreateTimer(
                static ring => ((KeyRing)ring!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _ = RefreshAsync(isUrgent: true);
        }
    }

    /// <summary>
    /// Loads the keys again: joins a load in progress, and does nothing within <see cref="LeastInterval"/> of the last one.
    /// </summary>
    /// <param name="isUrgent">Whether to load regardless of that interval.</param>
    /// <returns>Completes when <see cref="Current"/> is up to date. Never fails.</returns>
    public Task RefreshAsync(bool isUrgent = false)
    {
        TaskCompletionSource done;
        lock (_gate)
        {
            bool isDue = isUrgent || _lastBegan == 0 || _time.GetElapsedTime(_lastBegan) >= LeastInterval;
            if (_sources.Count == 0 || !_loading.IsCompleted || !isDue || _stopping.IsCancellationRequested)
            {
                return _loading;
            }

            _lastBegan = Math.Max(1, _time.GetTimestamp());
            done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _loading = done.Task;
        }

        _ = LoadAsync(done);
        return done.Task;
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _timer?.Dispose();
        _http.Dispose();
    }

    private async Task LoadAsync(TaskCompletionSource done)
    {
        bool isGood = true;
        try
        {
            for (int i = 0; i < _sources.Count; i++)
            {
                isGood &= await LoadAsync(i).ConfigureAwait(false);
            }

            _isComplete |= isGood;
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
        finally
        {
            TimeSpan next = isGood || _options.RefreshInterval < LeastInterval ? _options.RefreshInterval : LeastInterval;
            ArmTimer(next);
            done.SetResult();
        }
    }

    private void OnTimer()
    {
        if (_untilNext > TimeSpan.Zero)
        {
            ArmTimer(_untilNext);
        }
        else
        {
            _ = RefreshAsync(isUrgent: true);
        }
    }

    // One wait at a time: the timer is set when it has fired or a load has ended.
    private void ArmTimer(TimeSpan wait)
    {
        TimeSpan piece = wait > _longestTimer ? _longestTimer : wait;
        _untilNext = wait - piece;
        _timer?.Change(piece, Timeout.InfiniteTimeSpan);
    }

    // At most one call runs at a time.
    private async Task<bool> LoadAsync(int i)
    {
        KeySource source = _sources[i];
        try
        {
            string text = await source.FetchAsync(_http, _time, _stopping.Token).ConfigureAwait(false);
            if (text == _texts[i])
            {
                return true; // and the cache stays valid
            }

            List<LeftOutKey> leftOut = [];
            try
            {
                _loaded[i] = source.Read(text, _algorithms, leftOut.Add);
            }
            finally
            {
                LogLeftOut(i, leftOut);
            }

            _texts[i] = text;
            _current = new KeySet([.. _secrets, .. _loaded.SelectMany(static keys => keys)], _options.CacheSize);
            AuthLog.KeysLoaded(_logger, source.Name, _loaded[i].Count);
            return true;
        }
        catch (KeySourceException error)
        {
            AuthLog.KeysNotLoaded(_logger, source.Name, error.Message, LeastInterval);
            return false;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // A bug here must not end the loading.
            AuthLog.LoadFailed(_logger, source.Name, LeastInterval, error);
            return false;
        }
    }

    // Once per change: a set is reloaded periodically, one without a usable key every few seconds.
    private void LogLeftOut(int i, List<LeftOutKey> leftOut)
    {
        string source = _sources[i].Name;
        LeftOutKey[] added = [.. leftOut.Except(_leftOut[i])];
        _leftOut[i] = leftOut;
        foreach (LeftOutKey key in added.Take(MostNamed))
        {
            AuthLog.KeyLeftOut(_logger, source, key.Name, key.Reason);
        }

        if (added.Length > MostNamed)
        {
            AuthLog.MoreKeysLeftOut(_logger, source, added.Length - MostNamed);
        }
    }
}
