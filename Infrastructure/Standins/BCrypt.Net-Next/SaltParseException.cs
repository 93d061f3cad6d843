namespace BCrypt.Net;

/// <summary>A salt or a hash is not one of bcrypt's.</summary>
public class SaltParseException(string message) : Exception(message);
